// The types that the figures' JavaScript shares, as `Ae.Plane` and so on. `make lint` checks them; the
// page carries none.

declare namespace Ae {
  // biome-ignore lint/suspicious/noExplicitAny: an event brings what its sender likes
  type Listener = (...values: any[]) => void;

  /** What a host gives a figure: Jupyter's model, or the page's stand-in for it. */
  interface Model {
    // biome-ignore lint/suspicious/noExplicitAny: a trait may be anything, and its figure knows what
    get(key: string): any;
    set(key: string, value: unknown): void;
    on(event: string, listener: Listener): void;
    off(event: string, listener?: Listener | null): void;
    save_changes(): void;
    send(content?: unknown): void;
  }

  interface Host {
    model: Model;
    el: HTMLElement;
  }

  /** Ends whatever a figure has begun. */
  type Stop = () => void;

  interface Figure {
    render(host: Host): unknown;
  }

  /** A place [x, y], or a range [low, high]. */
  type Pair = [number, number];

  /** The smallest and the largest value of each trait that has a range, from Python. */
  type Limits = Record<string, Pair>;

  /** Numbers in a row, typed or not. */
  type Numbers = ArrayLike<number>;

  /** A symmetric 2 x 2 matrix. */
  interface Symmetric {
    xx: number;
    xy: number;
    yy: number;
  }

  /** Red, green and blue, 0 to 255. */
  type Rgb = number[];

  /** What is known of an element: attributes, and listeners as `onclick` and the like. */
  // biome-ignore lint/suspicious/noExplicitAny: each event has a type of its own
  type Attributes = Record<string, string | number | boolean | null | undefined | ((event: any) => unknown)>;
  type Child = Node | string;

  /** A tensor as PyTorch lays it out. */
  interface Tensor<Data extends Numbers = Float32Array | Float64Array> {
    shape: number[];
    data: Data;
  }

  type Tensors = Record<string, Tensor<Float32Array>>;

  /** Images that were packed into one picture: the grey values of the i-th. */
  type Images = (i: number) => Float32Array;

  /** One step of a network, written by network.py. */
  interface Step {
    op: string;
    at?: number;
    // biome-ignore lint/suspicious/noExplicitAny: every operation has options of its own
    [option: string]: any;
  }

  interface Ticks {
    values: number[];
    digits: number;
  }

  interface Box {
    left: number;
    right: number;
    top: number;
    bottom: number;
  }

  interface Grip {
    get: () => Pair;
    take: (event: PointerEvent) => void;
  }

  /** The ranges and ticks that `frame` may change. */
  interface Ranges {
    x?: Pair;
    y?: Pair;
    xTicks?: number[];
    yTicks?: number[];
  }

  interface PlaneOptions extends Ranges {
    x: Pair;
    y: Pair;
    xLabel: string;
    yLabel?: string;
    label: string;
    width?: number;
    height?: number;
    canvas?: boolean;
  }

  /** A plane with axes; see `plane`. */
  interface Plane {
    node: HTMLElement;
    svg: SVGSVGElement;
    clip: SVGSVGElement;
    over: SVGGElement;
    box: Box;
    width: number;
    height: number;
    x: Pair;
    y: Pair;
    xTicks?: number[];
    yTicks?: number[];
    handles: Map<Element, Grip>;
    canvas?: HTMLCanvasElement;
    px(v: number): number;
    py(v: number): number;
    at(event: MouseEvent): Pair;
    frame(ranges: Ranges): void;
  }

  /** What a handle needs of what it lies on. */
  type Stage = Pick<Plane, "over" | "handles" | "px" | "py" | "at">;

  interface HandleOptions {
    label: string;
    kind: string;
    radius?: number;
    get: () => Pair;
    set: (place: Pair) => void;
    nudge: (dx: number, dy: number) => void;
    text: () => string;
    now: () => number;
    range: Pair | number[];
    /** Takes a key that is no arrow; true if it was used. */
    onkey?: (key: string) => unknown;
    onfocus?: (event: FocusEvent) => void;
  }

  interface Handle {
    node: SVGGElement;
    remove(): void;
    place(): void;
  }

  interface SliderOptions {
    key: string;
    label: string;
    min: number;
    max: number;
    step: number;
    grain?: number | "any";
    text: (value: number) => string;
    oninput: (value: number) => void;
  }

  interface Slider {
    node: HTMLElement;
    input: HTMLInputElement;
    set(value: number): void;
  }

  interface ChoiceItem {
    label: string;
    node: Node;
    below?: Child[];
  }

  interface ChoiceOptions {
    legend: string;
    items: ChoiceItem[];
    onchange: (index: number) => void;
  }

  interface Choice {
    node: HTMLElement;
    inputs: HTMLInputElement[];
    set(index: number): void;
  }

  /** A named number, or a named bar. */
  interface Item {
    key: string;
    label: string;
    colour?: string;
  }

  /** What is kept in full beside a number's text. */
  type Value = string | number | boolean | null | undefined;

  interface Readout {
    node: HTMLElement;
    set(key: string, value: Value, text: string): void;
    say(sentence: string): void;
  }

  interface Bars {
    node: HTMLElement;
    set(key: string, share: number, text: string): void;
  }

  interface ImageOptions {
    width: number;
    height: number;
    title?: string;
    label: string;
  }

  interface Picture {
    node: HTMLElement;
    canvas: HTMLCanvasElement;
    describe(text: string, name?: string): void;
    draw(data: Numbers, options?: { signed?: boolean; limit?: number }): void;
  }

  /** A sheet of side x side bytes, 0 (paper) to 255 (ink). */
  interface Sheet {
    side: number;
    bytes: Uint8ClampedArray;
  }
}
