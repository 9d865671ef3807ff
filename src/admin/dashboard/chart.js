// One series over the last ten minutes, as SVG: axes with units, and the value under the pointer or the arrow keys.

import { clock } from './format.js';

const kSpan = 600; // seconds
const kGap = 5; // seconds without a sample break the line
const kHeight = 168;
const kMargin = { top: 10, right: 8, bottom: 24, left: 74 };
const kSvg = 'http://www.w3.org/2000/svg';

function svg(name, attributes, parent) {
  const element = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

/** The smallest round step of which four reach `top`: powers of two for bytes, 1, 2, 5, 10, … for counts. */
export function roundStep(top, binary) {
  if (binary) return 2 ** Math.ceil(Math.log2(top / 4));
  const decade = 10 ** Math.floor(Math.log10(top / 4));
  return decade * [1, 2, 5, 10].find((digit) => digit * decade * 4 >= top * 0.999999);
}

export class Chart {
  /** @param format value → text with unit; @param floor the axis reaches at least this */
  constructor(host, readout, { label, format, binary, floor }) {
    Object.assign(this, { host, readout, label, format, binary, floor });
    this.samples = []; // [second, value], ascending
    this.now = 0;
    this.picked = null; // the second under the pointer
    this.root = svg('svg', { role: 'img', tabindex: 0, height: kHeight, class: 'plot' });
    host.append(this.root);
    new ResizeObserver(() => this.draw()).observe(host);
    this.root.addEventListener('pointermove', (event) => this.point(event));
    this.root.addEventListener('pointerleave', () => this.pick(null));
    this.root.addEventListener('blur', () => this.pick(null));
    this.root.addEventListener('keydown', (event) => this.key(event));
  }

  /** Takes over samples from before; newer ones stay. */
  load(samples) {
    const first = this.samples[0]?.[0] ?? Infinity;
    this.samples = [...samples.filter(([second]) => second < first), ...this.samples];
  }

  add(second, value) {
    if (this.samples.length && this.samples.at(-1)[0] >= second) this.samples.pop();
    this.samples.push([second, value]);
    this.now = second;
    while (this.samples[0][0] < second - kSpan) this.samples.shift();
    this.draw();
  }

  pick(second) {
    this.picked = second;
    this.draw();
  }

  point(event) {
    const share = (event.clientX - this.root.getBoundingClientRect().left - kMargin.left) / this.width;
    this.pick(this.now - kSpan * (1 - Math.min(1, Math.max(0, share))));
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
    if (event.key === 'Escape') return this.pick(null);
    if (!step || !this.samples.length) return undefined;
    event.preventDefault();
    const at = this.picked === null ? this.samples.length - 1 : this.samples.indexOf(this.nearest(this.picked)) + step;
    this.readout.setAttribute('aria-live', 'polite');
    return this.pick(this.samples[Math.min(this.samples.length - 1, Math.max(0, at))][0]);
  }

  nearest(second) {
    return this.samples.reduce((best, each) => (Math.abs(each[0] - second) < Math.abs(best[0] - second) ? each : best));
  }

  x(second) {
    return kMargin.left + this.width * (1 - (this.now - second) / kSpan);
  }
  y(value) {
    return kHeight - kMargin.bottom - (kHeight - kMargin.top - kMargin.bottom) * (value / this.top);
  }

  draw() {
    const full = Math.max(this.host.clientWidth, 200);
    this.width = full - kMargin.left - kMargin.right;
    this.root.setAttribute('width', full);
    this.root.setAttribute('viewBox', `0 0 ${full} ${kHeight}`);
    this.root.replaceChildren();
    const highest = Math.max(this.floor, ...this.samples.map(([, value]) => value));
    this.step = roundStep(highest, this.binary);
    this.top = this.step * Math.ceil(highest / this.step);
    this.drawAxes();
    this.drawSeries();
    this.drawReadout(highest);
  }

  drawAxes() {
    for (let value = 0; value <= this.top * 1.001; value += this.step) {
      const y = this.y(value);
      svg('line', { x1: kMargin.left, x2: kMargin.left + this.width, y1: y, y2: y, class: value ? 'grid' : 'axis' }, this.root);
      svg('text', { x: kMargin.left - 8, y: y + 4, class: 'tick end' }, this.root).textContent = this.format(value).replace(/\.0+(?=\D)/, '');
    }
    const every = this.width < 330 ? 5 : 2;
    for (let minute = 0; minute <= 10; minute += every) {
      const anchor = minute === 0 ? 'tick end' : 'tick middle';
      const x = this.x(this.now - minute * 60);
      svg('text', { x, y: kHeight - 6, class: anchor }, this.root).textContent = minute ? `−${minute} min` : 'now';
    }
  }

  drawSeries() {
    let run = [];
    const flush = () => {
      if (!run.length) return;
      const line = run.map(([second, value]) => `${this.x(second).toFixed(1)},${this.y(value).toFixed(1)}`).join(' L');
      const [from, to] = [this.x(run[0][0]), this.x(run.at(-1)[0])];
      svg('path', { d: `M${from.toFixed(1)},${this.y(0)} L${line} L${to.toFixed(1)},${this.y(0)} Z`, class: 'area' }, this.root);
      svg('path', { d: `M${line}`, class: 'line' }, this.root);
      run = [];
    };
    for (const sample of this.samples) {
      if (run.length && sample[0] - run.at(-1)[0] > kGap) flush();
      run.push(sample);
    }
    flush();
  }

  drawReadout(highest) {
    const last = this.samples.at(-1);
    if (!last) return;
    const shown = this.picked === null ? last : this.nearest(this.picked);
    const [x, y] = [this.x(shown[0]), this.y(shown[1])];
    if (this.picked !== null) svg('line', { x1: x, x2: x, y1: kMargin.top, y2: this.y(0), class: 'cursor' }, this.root);
    svg('circle', { cx: x, cy: y, r: this.picked === null ? 3 : 4, class: 'dot' }, this.root);
    const text = this.format(shown[1]);
    this.readout.textContent = this.picked === null ? text : `${clock(shown[0])}  ${text}`;
    if (this.picked === null) this.readout.removeAttribute('aria-live');
    const described = `${this.label} over the last ten minutes: ${this.format(last[1])} now, at most ${this.format(highest)}. Arrow keys read values.`;
    this.root.setAttribute('aria-label', described);
  }
}
