// Weights as they travel: one block of bytes and a manifest {name: {shape, dtype, offset}},
// written by `pack` in host.py, little-endian like every machine that runs a browser today.
/** @type {Float32Array | null} */
let halves = null;

// The value of each of the 65,536 bit patterns of a float16: 1 sign, 5 exponent, 10 fraction bits.
/** @type {() => Float32Array} */
export function halfTable() {
  if (halves !== null) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    let value = (1024 + fraction) * 2 ** (exponent - 25);
    if (exponent === 0) value = fraction * 2 ** -24; // subnormal: no hidden leading one
    if (exponent === 31) value = fraction === 0 ? Infinity : NaN;
    halves[bits] = bits & 0x8000 ? -value : value;
  }
  return halves;
}

// {name: {shape, data: Float32Array}} from a model's `weights` and `manifest`.
/** @type {(model: Ae.Model) => Ae.Tensors} */
export function tensors(model) {
  const view = model.get("weights");
  // A copy, because a view may start at an offset that a typed array refuses.
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer;
  /** @type {Ae.Tensors} */
  const result = {};
  /** @type {Record<string, { shape: number[], dtype: string, offset: number }>} */
  const manifest = model.get("manifest");
  for (const [name, { shape, dtype, offset }] of Object.entries(manifest)) {
    const length = shape.reduce((a, b) => a * b, 1);
    if (dtype === "float32") {
      result[name] = { shape, data: new Float32Array(bytes, offset, length) };
    } else if (dtype === "int8") {
      const [rows, columns] = shape;
      const scales = new Float32Array(bytes, offset, rows); // the length of a step in each row
      const steps = new Int8Array(bytes, offset + 4 * rows, length);
      const data = Float32Array.from(steps, (v, i) => v * scales[Math.floor(i / columns)]);
      result[name] = { shape, data };
    } else if (dtype === "grey") {
      result[name] = { shape, data: Float32Array.from(new Uint8Array(bytes, offset, length), (v) => v / 255) };
    } else {
      const table = halfTable();
      const data = Float32Array.from(new Uint16Array(bytes, offset, length), (b) => table[b]);
      result[name] = { shape, data };
    }
  }
  return result;
}

// The row of a (rows, columns) array.
/** @type {(table: Ae.Tensor, i: number) => number[]} */
export function rowOf({ shape, data }, i) {
  return Array.from(data.subarray(i * shape[1], (i + 1) * shape[1]));
}
