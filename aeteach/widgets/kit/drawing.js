// From a pen's strokes to an image like MNIST's: the rule of aeteach/data/drawing.py, in float64.
export const BOX = 20; // pixels: the longer side of a digit
export const FIELD = 28; // pixels: height and width of an image of MNIST
const CENTRE = 14; // the pixel, from 0, that the centre of mass comes to lie in
const TIE = 1e-9; // pixels: a rounding error must not move a symmetric drawing by a whole pixel

// A sheet of side x side bytes, 0 (paper) to 255 (ink).
/** @type {(side: number) => Ae.Sheet} */
export function sheetOf(side) {
  return { side, bytes: new Uint8ClampedArray(side * side) };
}

// Draw one line from a to b (shares of the side) on a sheet with a round pen. Ink covers, it does
// not add up, so the order of lines does not matter.
/** @type {(sheet: Ae.Sheet, a: Ae.Pair, b: Ae.Pair, radius: number) => void} */
export function line(sheet, a, b, radius) {
  const { side, bytes } = sheet;
  const [[ax, ay], [bx, by]] = [a, b].map((p) => p.map((v) => side * v));
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const reach = radius * side + 0.5;
  /** @type {(v: number, w: number) => number} */
  const from = (v, w) => Math.max(0, Math.floor(Math.min(v, w) - reach));
  /** @type {(v: number, w: number) => number} */
  const to = (v, w) => Math.min(side - 1, Math.ceil(Math.max(v, w) + reach));
  for (let i = from(ay, by); i <= to(ay, by); i++) {
    for (let j = from(ax, bx); j <= to(ax, bx); j++) {
      const [px, py] = [j + 0.5 - ax, i + 0.5 - ay];
      const share = length > 0 ? Math.min(Math.max((px * dx + py * dy) / length, 0), 1) : 0;
      const [ex, ey] = [px - share * dx, py - share * dy];
      const cover = Math.min(Math.max(reach - Math.sqrt(ex * ex + ey * ey), 0), 1);
      const byte = Math.floor(255 * cover + 0.5);
      if (byte > bytes[i * side + j]) bytes[i * side + j] = byte;
    }
  }
}

// Draw strokes, each a line through its points; one point makes a dot.
/** @type {(sheet: Ae.Sheet, strokes: Ae.Pair[][], radius: number) => void} */
export function ink(sheet, strokes, radius) {
  for (const points of strokes) {
    for (let i = 0; i < Math.max(1, points.length - 1); i++) line(sheet, points[i], points[i + 1] ?? points[i], radius);
  }
}

// Put a small square picture (grey values in [0, 1]) on a sheet, each pixel a square of it.
/** @type {(sheet: Ae.Sheet, picture: Ae.Numbers) => void} */
export function enlarge(sheet, picture) {
  const { side, bytes } = sheet;
  const small = Math.round(Math.sqrt(picture.length));
  const scale = side / small;
  for (let i = 0; i < side; i++) {
    for (let j = 0; j < side; j++) {
      const byte = Math.floor(255 * picture[Math.floor(i / scale) * small + Math.floor(j / scale)] + 0.5);
      if (byte > bytes[i * side + j]) bytes[i * side + j] = byte;
    }
  }
}

// For n old pixels scaled by 20 / longer: of each new pixel [first old one, shares of the mean].
/** @type {(n: number, longer: number) => [first: number, shares: number[]][]} */
function averages(n, longer) {
  const m = Math.ceil((n * BOX) / longer);
  const step = longer / BOX;
  return Array.from({ length: m }, (_, k) => {
    const begin = k * step - (m * step - n) / 2;
    const first = Math.max(0, Math.floor(begin));
    const shares = [];
    for (let i = first; i < n && i < begin + step; i++) {
      shares.push(Math.max(0, Math.min(begin + step, i + 1) - Math.max(begin, i)) / step);
    }
    return [first, shares];
  });
}

// Where pixels of this mass begin in the field, so that their centre of mass is in its middle pixel.
/** @type {(mass: number[]) => number} */
function start(mass) {
  const centre = mass.reduce((sum, v, i) => sum + i * v, 0) / mass.reduce((sum, v) => sum + v, 0);
  return Math.min(Math.max(Math.ceil(CENTRE - 0.5 - centre - TIE), 0), FIELD - mass.length);
}

// The sheet as an image of 28 x 28, scaled and centred as MNIST's digits are; null without ink.
/** @type {(sheet: Ae.Sheet) => Float64Array | null} */
export function asMnist({ side, bytes }) {
  let [top, bottom, left, right] = [side, -1, side, -1];
  for (let i = 0, at = 0; i < side; i++) {
    for (let j = 0; j < side; j++, at++) {
      if (bytes[at] === 0) continue;
      top = Math.min(top, i);
      bottom = i;
      left = Math.min(left, j);
      right = Math.max(right, j);
    }
  }
  if (bottom < 0) return null;
  const [h, w] = [bottom - top + 1, right - left + 1];
  const longer = Math.max(h, w);
  const [down, across] = [averages(h, longer), averages(w, longer)];
  const small = down.map(([first, shares]) => {
    const row = new Float64Array(w); // one row of new height, still of old width
    shares.forEach((share, k) => {
      const at = (top + first + k) * side + left;
      for (let j = 0; j < w; j++) row[j] += (share * bytes[at + j]) / 255;
    });
    return across.map(([from, parts]) => parts.reduce((sum, part, k) => sum + part * row[from + k], 0));
  });
  const y = start(small.map((row) => row.reduce((a, b) => a + b, 0)));
  const x = start(across.map((_, j) => small.reduce((sum, row) => sum + row[j], 0)));
  const field = new Float64Array(FIELD * FIELD);
  small.forEach((row, i) => {
    row.forEach((v, j) => {
      field[(y + i) * FIELD + x + j] = Math.min(Math.max(v, 0), 1);
    });
  });
  return field;
}
