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
  for (let i = 0; i < rows; i++) {
    let sum = b === null ? 0 : b.data[i];
    for (let j = 0, at = i * columns; j < columns; j++, at++) sum += W.data[at] * x[j];
    y[i] = sum;
  }
  return y;
}

/** @type {(x: Iterable<number>) => Float64Array} */
export function relu(x) {
  return Float64Array.from(x, (v) => Math.max(v, 0));
}

// 1 / (1 + exp(-v)), from the side on which exp cannot overflow
/** @type {(x: Iterable<number>) => Float64Array} */
export function sigmoid(x) {
  return Float64Array.from(x, (v) => {
    const e = Math.exp(-Math.abs(v));
    return v >= 0 ? 1 / (1 + e) : e / (1 + e);
  });
}

// log(1 + exp(v)), likewise
/** @type {(x: Iterable<number>) => Float64Array} */
export function softplus(x) {
  return Float64Array.from(x, (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))));
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
  for (let o = 0, at = 0; o < out; o++) {
    for (let i = 0; i < oh; i++) {
      for (let j = 0; j < ow; j++, at++) {
        let sum = b === null ? 0 : b.data[o];
        for (let c = 0; c < channels; c++) {
          for (let p = 0; p < kh; p++) {
            const row = i * stride + p - padding;
            if (row < 0 || row >= h) continue;
            for (let q = 0; q < kw; q++) {
              const column = j * stride + q - padding;
              if (column < 0 || column >= w) continue;
              sum += W.data[((o * channels + c) * kh + p) * kw + q] * x.data[(c * h + row) * w + column];
            }
          }
        }
        data[at] = sum;
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
  const weight = W.data;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < h; i++) {
      for (let j = 0; j < w; j++) {
        const value = x.data[(c * h + i) * w + j];
        if (value === 0) continue; // after a ReLU most are
        const [top, left] = [i * stride - padding, j * stride - padding];
        const [p0, p1] = [Math.max(0, -top), Math.min(kh, oh - top)]; // the stamp's part on the output
        const [q0, q1] = [Math.max(0, -left), Math.min(kw, ow - left)];
        for (let o = 0; o < out; o++) {
          for (let p = p0; p < p1; p++) {
            const to = (o * oh + top + p) * ow + left;
            const from = ((c * out + o) * kh + p) * kw;
            for (let q = q0; q < q1; q++) data[to + q] += value * weight[from + q];
          }
        }
      }
    }
  }
  return { shape: [out, oh, ow], data };
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
