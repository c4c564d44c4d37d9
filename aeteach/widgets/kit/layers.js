// The layers of a trained network, in plain JavaScript and float64, laid out as in PyTorch. A
// tensor is {shape, data}; an image is (channels, height, width), one at a time, no batch.
//
// Batch normalisation has no function of its own: in evaluation it only scales and shifts each
// channel, so fold it into the convolution before packing: with s = gamma / sqrt(var + eps),
// weight' = s * weight along the output channels and bias' = (bias - mean) * s + beta.
// W x + b, W (out, in)
/** @type {(x: Ae.Numbers, W: Ae.Tensor, b?: Ae.Tensor | null) => Float64Array} */
export function linear(x, W, b = null) {
  const [rows, columns] = W.shape;
  if (x.length !== columns) throw new Error(`linear: x has ${x.length} numbers, W takes ${columns}`);
  const y = new Float64Array(rows);
  const weight = W.data;
  for (let i = 0; i < rows; i++) {
    // Two sums at a time: neither waits for the other.
    let [even, odd] = [b === null ? 0 : b.data[i], 0];
    const from = i * columns;
    let j = 0;
    for (; j + 1 < columns; j += 2) {
      even += weight[from + j] * x[j];
      odd += weight[from + j + 1] * x[j + 1];
    }
    if (j < columns) even += weight[from + j] * x[j];
    y[i] = even + odd;
  }
  return y;
}

// A copy to change in place: a loop over it takes a tenth of what Float64Array.from(x, f) does.
/** @type {(x: Iterable<number>) => Float64Array} */
const copy = (x) => new Float64Array(x);

/** @type {(x: Iterable<number>) => Float64Array} */
export function relu(x) {
  const y = copy(x);
  for (let i = 0; i < y.length; i++) if (y[i] < 0) y[i] = 0;
  return y;
}

// 1 / (1 + exp(-v)), from the side on which exp cannot overflow
/** @type {(x: Iterable<number>) => Float64Array} */
export function sigmoid(x) {
  const y = copy(x);
  for (let i = 0; i < y.length; i++) {
    const e = Math.exp(-Math.abs(y[i]));
    y[i] = y[i] >= 0 ? 1 / (1 + e) : e / (1 + e);
  }
  return y;
}

// log(1 + exp(v)), likewise
/** @type {(x: Iterable<number>) => Float64Array} */
export function softplus(x) {
  const y = copy(x);
  for (let i = 0; i < y.length; i++) y[i] = Math.max(y[i], 0) + Math.log1p(Math.exp(-Math.abs(y[i])));
  return y;
}

// exp(v_k) / sum exp(v), shifted so that no exp overflows
/** @type {(x: Iterable<number>) => Float64Array} */
export function softmax(x) {
  const top = Math.max(...x);
  const powers = Float64Array.from(x, (v) => Math.exp(v - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((v) => v / sum);
}

/** @type {(name: string, x: Ae.Tensor, expected: number) => void} */
function checkChannels(name, x, expected) {
  if (x.shape.length !== 3 || x.shape[0] !== expected) {
    throw new Error(`${name}: x is (${x.shape}), the weight takes (${expected}, height, width)`);
  }
}

// W (out, in, kernel, kernel); the output is (n + 2 padding - kernel) / stride + 1 wide, rounded down
/** @type {(x: Ae.Tensor, W: Ae.Tensor, b?: Ae.Tensor | null, options?: { stride?: number, padding?: number }) => Ae.Tensor<Float64Array>} */
export function conv2d(x, W, b = null, { stride = 1, padding = 0 } = {}) {
  const [out, channels, kh, kw] = W.shape;
  checkChannels("conv2d", x, channels);
  const [, h, w] = x.shape;
  const oh = Math.floor((h + 2 * padding - kh) / stride) + 1;
  const ow = Math.floor((w + 2 * padding - kw) / stride) + 1;
  const data = new Float64Array(out * oh * ow);
  const [weight, pixels] = [W.data, x.data];
  // Which outputs see a pixel through the kernel's row or column k, of n: from the first to the last.
  /** @type {(k: number, n: number, most: number) => Ae.Pair} */
  const seen = (k, n, most) => [
    Math.max(0, Math.ceil((padding - k) / stride)), Math.min(most - 1, Math.floor((n - 1 + padding - k) / stride)),
  ];
  for (let o = 0; o < out; o++) {
    if (b !== null) data.fill(b.data[o], o * oh * ow, (o + 1) * oh * ow);
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < kh; p++) {
        const [i0, i1] = seen(p, h, oh);
        for (let q = 0; q < kw; q++) {
          const [j0, j1] = seen(q, w, ow);
          const factor = weight[((o * channels + c) * kh + p) * kw + q];
          for (let i = i0; i <= i1; i++) { // one row after another: the inner loop is all the work
            const from = (c * h + i * stride + p - padding) * w + q - padding;
            const to = (o * oh + i) * ow;
            for (let j = j0; j <= j1; j++) data[to + j] += factor * pixels[from + j * stride];
          }
        }
      }
    }
  }
  return { shape: [out, oh, ow], data };
}

// W (in, out, kernel, kernel): every input number stamps its scaled kernel on the output, which is
// (n - 1) stride - 2 padding + kernel + outputPadding wide
/** @type {(x: Ae.Tensor, W: Ae.Tensor, b?: Ae.Tensor | null, options?: { stride?: number, padding?: number, outputPadding?: number }) => Ae.Tensor<Float64Array>} */
export function convTranspose2d(x, W, b = null, { stride = 1, padding = 0, outputPadding = 0 } = {}) {
  const [channels, out, kh, kw] = W.shape;
  checkChannels("convTranspose2d", x, channels);
  const [, h, w] = x.shape;
  const oh = (h - 1) * stride - 2 * padding + kh + outputPadding;
  const ow = (w - 1) * stride - 2 * padding + kw + outputPadding;
  const data = new Float64Array(out * oh * ow);
  if (b !== null) {
    for (let o = 0; o < out; o++) data.fill(b.data[o], o * oh * ow, (o + 1) * oh * ow);
  }
  const weight = stamps(W);
  // Beside each other lie the channels of one pixel, as they do in a stamp, until the end.
  const mixed = new Float64Array(data.length);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < h; i++) {
      for (let j = 0; j < w; j++) {
        const value = x.data[(c * h + i) * w + j];
        if (value === 0) continue; // after a ReLU most are
        const [top, left] = [i * stride - padding, j * stride - padding];
        const [p0, p1] = [Math.max(0, -top), Math.min(kh, oh - top)]; // the stamp's part on the output
        const [q0, q1] = [Math.max(0, -left), Math.min(kw, ow - left)];
        for (let p = p0; p < p1; p++) {
          const to = ((top + p) * ow + left) * out;
          const from = (c * kh + p) * kw * out;
          for (let q = q0 * out; q < q1 * out; q++) mixed[to + q] += value * weight[from + q];
        }
      }
    }
  }
  for (let o = 0, at = 0; o < out; o++) for (let i = o; i < mixed.length; i += out) data[at++] += mixed[i];
  return { shape: [out, oh, ow], data };
}

// The weight (in, out, kernel, kernel) as (in, kernel, kernel, out): a row of a stamp lies together.
/** @type {WeakMap<Ae.Tensor, Float64Array>} */
const known = new WeakMap();
/** @type {(W: Ae.Tensor) => Float64Array} */
function stamps(W) {
  const before = known.get(W);
  if (before !== undefined) return before;
  const [channels, out, kh, kw] = W.shape;
  const kernel = kh * kw;
  const turned = new Float64Array(channels * out * kernel);
  for (let c = 0, at = 0; c < channels; c++) {
    for (let k = 0; k < kernel; k++) for (let o = 0; o < out; o++, at++) turned[at] = W.data[(c * out + o) * kernel + k];
  }
  known.set(W, turned);
  return turned;
}

// The largest of each kernel x kernel window, side by side; what does not fill a window is left out
/** @type {(x: Ae.Tensor, kernel: number) => Ae.Tensor<Float64Array>} */
export function maxPool2d(x, kernel) {
  const [channels, h, w] = x.shape;
  const [oh, ow] = [Math.floor(h / kernel), Math.floor(w / kernel)];
  const data = new Float64Array(channels * oh * ow).fill(-Infinity);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < oh * kernel; i++) {
      for (let j = 0; j < ow * kernel; j++) {
        const at = (c * oh + Math.floor(i / kernel)) * ow + Math.floor(j / kernel);
        data[at] = Math.max(data[at], x.data[(c * h + i) * w + j]);
      }
    }
  }
  return { shape: [channels, oh, ow], data };
}
