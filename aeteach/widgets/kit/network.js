// Runs a trained network: the steps that network.py wrote, one after the other.
import { conv2d, convTranspose2d, linear, maxPool2d, relu, sigmoid } from "./layers.js";

// An image (channels, size, size) from flat pixels with a one-hot label behind them: the pixels,
// then a plane for each class, white where the label is.
/** @type {(x: Ae.Tensor<Float64Array>, size: number, classes: number) => Ae.Tensor<Float64Array>} */
function planes({ data }, size, classes) {
  const pixels = size * size;
  const result = new Float64Array(pixels * (1 + classes));
  result.set(data.subarray(0, pixels));
  for (let c = 0; c < classes; c++) result.fill(data[pixels + c], pixels * (c + 1), pixels * (c + 2));
  return { shape: [1 + classes, size, size], data: result };
}

// Images (channels, height, width) without `margin` pixels at each edge.
/** @type {(x: Ae.Tensor<Float64Array>, margin: number) => Ae.Tensor<Float64Array>} */
function crop({ shape: [channels, height, width], data }, margin) {
  const shape = [channels, height - 2 * margin, width - 2 * margin];
  const result = new Float64Array(shape[0] * shape[1] * shape[2]);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < shape[1]; i++) {
      const from = (c * height + i + margin) * width + margin;
      result.set(data.subarray(from, from + shape[2]), (c * shape[1] + i) * shape[2]);
    }
  }
  return { shape, data: result };
}

/** @type {(data: Float64Array) => Ae.Tensor<Float64Array>} */
const flat = (data) => ({ shape: [data.length], data });

/** @type {Record<string, (x: Ae.Tensor<Float64Array>, step: any, W: Ae.Tensor, b?: Ae.Tensor) => Ae.Tensor<Float64Array>>} */
const OPS = {
  linear: (x, _, W, b) => flat(linear(x.data, W, b)),
  relu: (x) => ({ shape: x.shape, data: relu(x.data) }),
  sigmoid: (x) => ({ shape: x.shape, data: sigmoid(x.data) }),
  flatten: (x) => flat(x.data),
  reshape: (x, { shape }) => ({ shape, data: x.data }),
  conv: (x, step, W, b) => conv2d(x, W, b, step),
  deconv: (x, step, W, b) => convTranspose2d(x, W, b, step),
  pool: (x, { kernel }) => maxPool2d(x, kernel),
  planes: (x, { size, classes }) => planes(x, size, classes),
  crop: (x, { margin }) => crop(x, margin),
};

// What the steps make of x = {shape, data: Float64Array}; weights are named `<prefix>/w<at>`.
/** @type {(steps: Ae.Step[], x: Ae.Tensor<Float64Array>, weights: Ae.Tensors, prefix: string) => Ae.Tensor<Float64Array>} */
export function run(steps, x, weights, prefix) {
  return steps.reduce(
    (value, step) => OPS[step.op](value, step, weights[`${prefix}/w${step.at}`], weights[`${prefix}/b${step.at}`]), x);
}

// The same for plain numbers in and out: a latent vector in, say, and pixels out.
/** @type {(steps: Ae.Step[], numbers: Iterable<number>, weights: Ae.Tensors, prefix: string) => Float64Array} */
export function compute(steps, numbers, weights, prefix) {
  const data = Float64Array.from(numbers);
  return run(steps, { shape: [data.length], data }, weights, prefix).data;
}
