// The digit reader that judges in several figures, as reader.py packs it.
import { softmax } from "./layers.js";
import { compute } from "./network.js";

const STEPS = [{ op: "linear", at: 0 }, { op: "relu" }, { op: "linear", at: 1 }];

// Its ten probabilities, from the pixels that it sees.
/** @type {(x: Iterable<number>, weights: Ae.Tensors) => Float64Array} */
export function read(x, weights) {
  return softmax(compute(STEPS, x, weights, "reader"));
}
