// An axis through the mean of a cloud, turned by hand: what it captures and what it leaves.
import { axisAngle, clamp, covariance2, direction, eigen2, mean2, quadratic, wrap180 } from "./kit/maths.js";
import {
  button, caption, column, columns, frame, handle, number, path, plane, readout, roundUp, row, s, set, slider, together,
  update, watch,
} from "./kit/kit.js";

/** @typedef {{ mean: Ae.Pair, captured: number, residual: number, total: number, share: number }} Stats */

/** @type {Ae.Pair} */
const HALF_TURN = [0, 180]; // an axis has no front and no back

// The variance along the axis (captured) and across it (residual), ddof 1; they add up to `total`.
/** @type {(points: Ae.Pair[], angle: number) => Stats} */
export function axisStats(points, angle) {
  const S = covariance2(points);
  const [c, d] = direction(angle);
  const captured = quadratic(S, [c, d]);
  const residual = quadratic(S, [-d, c]);
  return { mean: mean2(points), captured, residual, total: S.xx + S.yy, share: captured / (S.xx + S.yy) };
}

// Where each point falls on the axis: x_hat = mean + u u^T (x - mean).
/** @type {(points: Ae.Pair[], angle: number) => Ae.Pair[]} */
export function project(points, angle) {
  const [mx, my] = mean2(points);
  const [c, d] = direction(angle);
  return points.map(([x, y]) => {
    const z = (x - mx) * c + (y - my) * d;
    return [mx + z * c, my + z * d];
  });
}

/** @type {(points: Ae.Pair[]) => number} */
export function pcaAngle(points) {
  return eigen2(covariance2(points)).angle;
}

// A square around the points, with room to move.
/** @type {(points: Ae.Pair[]) => { x: Ae.Pair, y: Ae.Pair }} */
export function surroundings(points) {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const middle = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  const reach = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) / 2;
  const half = reach > 0 ? 1.25 * reach : 1;
  return { x: [middle[0] - half, middle[0] + half], y: [middle[1] - half, middle[1] + half] };
}

// Half the length of the longest piece of the axis that stays within the plane around `mean`.
/** @type {(on: Ae.Plane, mean: Ae.Pair, u: Ae.Pair) => number} */
function armLength(on, [mx, my], [c, d]) {
  /** @type {(m: number, u: number, range: Ae.Pair) => number} */
  const along = (m, u, [low, high]) => (Math.abs(u) < 1e-9 ? Infinity : ((u > 0 ? high : low) - m) / u);
  return 0.9 * Math.min(along(mx, c, on.x), along(my, d, on.y));
}

/** @type {Ae.Figure["render"]} */
function render({ model, el }) {
  /** @type {() => Ae.Pair[]} */
  const cloud = () => model.get("points");
  /** @type {() => number} */
  const tilt = () => model.get("angle");
  const on = plane({
    ...surroundings(model.get("start")), xLabel: "feature 1", yLabel: "feature 2",
    label: "The points and the axis. Arrow keys move what has the focus; Page Up and Page Down choose another point.",
  });
  const segments = s("path", { class: "ae-thin ae-reconstruction" });
  const axis = s("line", { class: "ae-line ae-latent" });
  const feet = s("g", { class: "ae-reconstruction" });
  const centre = s("path", { class: "ae-thin ae-ink" });
  on.clip.append(segments, axis, feet, centre);

  const turn = plane({
    x: HALF_TURN, y: [0, 1], width: 340, height: 210, xTicks: [0, 45, 90, 135, 180],
    xLabel: "angle of the axis (degrees)", yLabel: "variance", label: "Captured variance for every angle",
  });
  const curve = s("path", { class: "ae-line ae-latent" });
  const ceiling = s("path", { class: "ae-rule" });
  const low = s("line", { class: "ae-bar ae-latent" });
  const high = s("line", { class: "ae-bar ae-reconstruction" });
  const dot = s("circle", { class: "ae-fill ae-latent", r: 5 });
  turn.clip.append(ceiling, curve, high, low, dot);

  const numbers = readout([
    { key: "captured", label: "captured variance", colour: "latent" },
    { key: "residual", label: "residual variance", colour: "reconstruction" },
    { key: "total", label: "total variance" },
    { key: "share", label: "share captured" },
  ]);
  const angle = slider({
    key: "angle", label: "angle of the axis", min: 0, max: 180, step: 1, grain: 0.5,
    text: (v) => `${number(v, 1)}°`, oninput: (v) => update(model, { angle: wrap180(v) }),
  });

  /** @type {Ae.Handle[]} */
  let handles = [];
  let current = 0; // the one point that Tab reaches; Page Up and Page Down choose another
  let front = 1; // which end of the axis carries the handle: the end that was pulled last

  /** @type {(i: number, place: Ae.Pair) => void} */
  const movePoint = (i, [x, y]) => {
    const points = [...cloud()];
    points[i] = [clamp(x, ...on.x), clamp(y, ...on.y)];
    update(model, { points });
  };
  /** @type {(i: number) => void} */
  const choose = (i) => {
    current = (i + handles.length) % handles.length;
    for (const [j, { node }] of handles.entries()) set(node, { tabindex: j === current ? 0 : -1 });
  };
  /** @type {(i: number) => Ae.Handle} */
  const pointHandle = (i) => {
    const here = () => cloud()[i];
    const step = () => (on.x[1] - on.x[0]) / 200;
    return handle(on, {
      label: `point ${i + 1}`, kind: "data", radius: 5, range: on.x, get: here, now: () => here()[0],
      set: (to) => movePoint(i, to),
      nudge: (dx, dy) => movePoint(i, [here()[0] + dx * step(), here()[1] + dy * step()]),
      text: () => `feature 1 ${number(here()[0])}, feature 2 ${number(here()[1])}`,
      onfocus: () => choose(i),
      onkey: (key) => {
        if (key !== "PageUp" && key !== "PageDown") return false;
        choose(current + (key === "PageDown" ? 1 : -1));
        handles[current].node.focus();
        return true;
      },
    });
  };

  /** @type {() => Ae.Pair} */
  const end = () => {
    const { mean } = axisStats(cloud(), tilt());
    const [c, d] = direction(tilt());
    /** @type {Ae.Pair} */
    const u = [c * front, d * front];
    const length = armLength(on, mean, u);
    return [mean[0] + length * u[0], mean[1] + length * u[1]];
  };
  const lever = handle(on, {
    label: "axis", kind: "latent", radius: 8, range: HALF_TURN, get: end, now: tilt,
    set: ([x, y]) => {
      const [mx, my] = mean2(cloud());
      if (Math.hypot(x - mx, y - my) < 1e-9) return; // no direction
      front = y - my < 0 || (y === my && x < mx) ? -1 : 1;
      update(model, { angle: axisAngle(x - mx, y - my) });
    },
    nudge: (dx, dy) => {
      const moved = tilt() + dx + dy;
      if (moved < 0 || moved >= 180) front = -front;
      update(model, { angle: wrap180(moved) });
    },
    text: () => `${number(tilt(), 1)} degrees`,
  });

  function makeHandles() {
    for (const old of handles) old.remove();
    handles = cloud().map((_, i) => pointHandle(i));
    on.over.append(lever.node); // on top of the points
    choose(Math.min(current, handles.length - 1));
  }

  function draw() {
    const points = cloud();
    const theta = tilt();
    if (points.length !== handles.length) makeHandles();
    const { mean, captured, residual, total, share } = axisStats(points, theta);
    const u = direction(theta);
    const far = 2 * (on.x[1] - on.x[0]);
    set(axis, {
      x1: on.px(mean[0] - far * u[0]), y1: on.py(mean[1] - far * u[1]),
      x2: on.px(mean[0] + far * u[0]), y2: on.py(mean[1] + far * u[1]),
    });
    const hats = project(points, theta);
    set(segments, { d: points.map((p, i) => path(on, [p[0], hats[i][0]], [p[1], hats[i][1]])).join("") });
    feet.replaceChildren(
      ...hats.map(([x, y]) => s("circle", { class: "ae-fill ae-reconstruction", cx: on.px(x), cy: on.py(y), r: 2.6 })),
    );
    const [cx, cy] = [on.px(mean[0]), on.py(mean[1])];
    set(centre, { d: `M${cx - 6} ${cy}H${cx + 6}M${cx} ${cy - 6}V${cy + 6}` });
    for (const { place } of [...handles, lever]) place();

    turn.frame({ y: [0, roundUp(1.02 * total)] });
    const angles = Array.from({ length: 91 }, (_, i) => 2 * i);
    const S = covariance2(points);
    set(curve, { d: path(turn, angles, angles.map((a) => quadratic(S, direction(a)))) });
    set(ceiling, { d: path(turn, [0, 180], [total, total]) });
    const x = turn.px(theta);
    set(low, { x1: x, x2: x, y1: turn.py(0), y2: turn.py(captured) });
    set(high, { x1: x, x2: x, y1: turn.py(captured), y2: turn.py(total) });
    set(dot, { cx: x, cy: turn.py(captured) });

    angle.set(theta);
    numbers.set("captured", captured, number(captured, 3));
    numbers.set("residual", residual, number(residual, 3));
    numbers.set("total", total, number(total, 3));
    numbers.set("share", share, Number.isFinite(share) ? `${number(100 * share, 1)} %` : "–");
    numbers.say(
      `Axis at ${number(theta, 1)} degrees: captured ${number(captured, 3)}, residual ${number(residual, 3)}, ` +
      `total ${number(total, 3)}.`,
    );
  }

  frame(
    el, model,
    columns(
      column(
        on.node,
        angle.node,
        row(
          button("Snap to PCA", () => update(model, { angle: pcaAngle(cloud()) })),
          button("Reset points", () => update(model, { points: model.get("start") })),
        ),
      ),
      column(turn.node, numbers.node),
    ),
    caption("Drag the axis or a point. Keys: Tab to reach them, arrows to move, Shift for bigger steps, Page Up or Down for another point."),
  );
  draw();
  return together(watch(model, ["points", "angle"], draw), watch(model, ["start"], () => {
    on.frame(surroundings(model.get("start")));
    draw();
  }));
}

export default { render };
