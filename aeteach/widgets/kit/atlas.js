// Many small grey images that travel as one PNG, written by atlas.py.

import { pen } from "./kit.js";

// The grey values in [0, 1] of images of width x height, row by row in the picture, as soon as the
// browser has unpacked it: a promise of a function (i) -> Float32Array.
/** @type {(bytes: ArrayBufferView<ArrayBuffer>, size: { width: number, height: number }) => Promise<Ae.Images>} */
export async function unpack(bytes, { width, height }) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  try {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    const context = pen(canvas, { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    const columns = canvas.width / width;
    return (i) => {
      const [x, y] = [(i % columns) * width, Math.floor(i / columns) * height];
      const rgba = context.getImageData(x, y, width, height).data;
      return Float32Array.from({ length: width * height }, (_, j) => rgba[4 * j] / 255);
    };
  } finally {
    URL.revokeObjectURL(url);
  }
}

// Hand the images to `use` once they are unpacked; returns what calls that off.
/** @type {(bytes: ArrayBufferView<ArrayBuffer>, size: { width: number, height: number }, use: (images: Ae.Images) => void) => Ae.Stop} */
export function whenUnpacked(bytes, size, use) {
  let over = false;
  unpack(bytes, size).then((images) => {
    if (!over) use(images);
  });
  return () => {
    over = true;
  };
}
