import { canvasOf, pen } from "./kit.js";

// Codes (N, 2) in the colours of their digits, on the canvas under a plane's axes.
/** @type {(on: Ae.Plane, codes: Ae.Tensor, labels: number[]) => void} */
export function paintCodes(on, codes, labels) {
  const { box } = on;
  const canvas = canvasOf(on);
  const scale = 3; // canvas pixels to a drawing unit, for sharp screens
  canvas.width = scale * (box.right - box.left);
  canvas.height = scale * (box.bottom - box.top);
  const context = pen(canvas);
  const style = getComputedStyle(canvas);
  context.scale(scale, scale);
  const colours = Array.from({ length: 10 }, (_, d) => style.getPropertyValue(`--ae-digit-${d}`));
  labels.forEach((label, i) => {
    const [x, y] = [on.px(codes.data[2 * i]) - box.left, on.py(codes.data[2 * i + 1]) - box.top];
    if (Math.min(x, y) < -3 || x > on.width || y > on.height) return; // from close by most are out of sight
    context.fillStyle = colours[label % 10]; // there are ten colours; more classes begin again
    context.beginPath();
    context.arc(x, y, 2.5, 0, 2 * Math.PI);
    context.fill();
  });
}
