/**
 * Reading a layer field by field, by the rules and limits of motion_core/document. Every method
 * throws Error with a sentence that names the layer and the field. tests/golden/verdicts.json holds
 * documents with Python's verdict, and JavaScript must give the same.
 */

export const MAX_POINTS = 20000;
const COORDINATE = [-100, 100];
const RADIUS = [0, 100];
const LENGTH = [0.0001, 100];
const SHARE = [0, 1];
const TURN = [-36000, 36000];
const SCALE = [0.001, 1000];
const EASINGS = ["linear", "ease_in", "ease_out", "ease_in_out"];
const HANDLES = [SHARE, [-1, 2], SHARE, [-1, 2]];

/** The fields of one object, taken one at a time; `finish` refuses the rest. */
export class Fields {
  constructor(value, where, prefix = "") {
    this.where = where;
    this.prefix = prefix;
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    if (!isObject) throw new Error(`${where}: ${prefix || "it"} must be an object {…}.`);
    this.left = new Map(Object.entries(value));
  }

  /** The raw value of a field, or `fallback` where it is absent; without one it is required. */
  take(name, fallback) {
    const value = this.left.has(name) ? this.left.get(name) : fallback;
    this.left.delete(name);
    if (value === undefined) this.refuse(name, "is missing");
    return value;
  }

  refuse(name, rule) {
    throw new Error(`${this.where}: "${this.prefix}${name}" ${rule}.`);
  }

  number(name, range, fallback) {
    return this.numberOf(name, this.take(name, fallback), range);
  }

  numberOf(name, value, [low, high]) {
    const isInside = typeof value === "number" && value >= low && value <= high;
    if (!isInside) this.refuse(name, `must be a number from ${low} to ${high}`);
    return value;
  }

  numbers(name, value, ranges) {
    if (!Array.isArray(value) || value.length !== ranges.length) {
      this.refuse(name, `must be a list of ${ranges.length} numbers`);
    }
    return ranges.map((range, place) => this.numberOf(`${name}[${place}]`, value[place], range));
  }

  point(name, value) {
    return this.numbers(name, value, [COORDINATE, COORDINATE]);
  }

  entries(name, fallback, least = 0, most = MAX_POINTS) {
    return this.entriesOf(name, this.take(name, fallback), least, most);
  }

  entriesOf(name, value, least = 0, most = MAX_POINTS) {
    if (!Array.isArray(value)) this.refuse(name, "must be a list");
    if (value.length < least || value.length > most) {
      this.refuse(name, `must have ${least} to ${most} entries`);
    }
    return value;
  }

  flag(name, fallback) {
    if (typeof this.take(name, fallback) !== "boolean") this.refuse(name, "must be true or false");
  }

  text(name, longest, fallback, least = 0) {
    const value = this.take(name, fallback);
    const length = typeof value === "string" ? [...value].length : -1;
    if (length < least || length > longest) {
      this.refuse(name, `must be a text of ${least} to ${longest} characters`);
    }
    if (/\p{Surrogate}/u.test(value)) this.refuse(name, "must be a text of whole characters");
    return value;
  }

  choice(name, choices, fallback) {
    const value = this.take(name, fallback);
    if (!choices.includes(value)) {
      const given = String(JSON.stringify(value)).slice(0, 40);
      this.refuse(name, `must be one of ${choices.join(", ")}, not ${given}`);
    }
    return value;
  }

  color(name) {
    const value = this.take(name, null);
    const isColor = typeof value === "string" && /^#[0-9a-fA-F]{6}$/.test(value);
    if (value !== null && !isColor) this.refuse(name, "must be a color such as #ff8800");
  }

  finish() {
    const [unknown] = this.left.keys();
    if (unknown !== undefined) this.refuse(unknown, "is not a known field");
  }

  /** "points", "curve", "handles" and the timing of a drawn path. */
  path() {
    let latest = 0;
    const points = this.entries("points", undefined, 1);
    points.forEach((raw, place) => {
      const name = `points[${place}]`;
      const isUntimed = Array.isArray(raw) && raw.length === 3 && raw[0] === null;
      const timed = isUntimed ? [latest, raw[1], raw[2]] : raw;
      const [t] = this.numbers(name, timed, [SHARE, COORDINATE, COORDINATE]);
      latest = this.notBefore(`${name}[0]`, t, latest);
    });
    this.choice("curve", ["recorded", "linear", "catmull_rom", "bezier"], "recorded");
    this.handles(points.length);
    this.timing();
  }

  /** "handles": null, or for each point null or two offsets. */
  handles(count) {
    const handles = this.take("handles", null);
    if (handles === null) return;
    const ranges = [COORDINATE, COORDINATE, COORDINATE, COORDINATE];
    this.entriesOf("handles", handles, count, count).forEach((one, place) => {
      if (one !== null) this.numbers(`handles[${place}]`, one, ranges);
    });
  }

  timing() {
    const start = this.number("start", SHARE, 0);
    if (this.number("end", SHARE, 1) <= start) this.refuse("end", 'must be after "start"');
    this.choice("before", ["hold", "absent"], "hold");
    this.choice("after", ["hold", "absent"], "hold");
    const easing = this.take("easing", "linear");
    if (!EASINGS.includes(easing)) this.numbers("easing", easing, HANDLES);
  }

  notBefore(name, t, latest) {
    if (t < latest) this.refuse(name, "must not be before an earlier entry");
    return t;
  }

  /** The field "polygon", or null. */
  polygon() {
    const corners = this.take("polygon", null);
    if (corners === null) return null;
    this.entriesOf("polygon", corners, 3).forEach((at, i) => this.point(`polygon[${i}]`, at));
    return corners;
  }

  spacing(name = "spacing") {
    this.number(name, LENGTH, 1);
  }

  keys() {
    let latest = 0;
    this.entries("keys", undefined, 1).forEach((raw, place) => {
      const key = new Fields(raw, this.where, `keys[${place}].`);
      latest = key.notBefore("t", key.number("t", SHARE), latest);
      key.number("dx", COORDINATE, 0);
      key.number("dy", COORDINATE, 0);
      key.number("rotate_deg", TURN, 0);
      key.number("scale", SCALE, 1);
      key.finish();
    });
  }

  brush() {
    const brush = new Fields(this.take("brush", {}), this.where, "brush.");
    brush.number("radius", RADIUS, 0);
    brush.spacing();
    brush.choice("shape", ["round", "square"], "round");
    brush.choice("falloff", ["rigid", "gaussian"], "rigid");
    brush.finish();
  }

  ball() {
    this.point("center", this.take("center"));
    this.number("radius", LENGTH);
    this.spacing();
  }
}
