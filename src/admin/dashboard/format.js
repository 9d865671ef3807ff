// Numbers, sizes, times and keys as people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const kUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

export const count = (number) => whole.format(number);

/** Three significant digits, never in exponents: 4.21, 42.1, 421, 4210. */
export function three(number) {
  if (number === 0) return '0';
  if (number < 0.01) return '<0.01';
  return number.toFixed(number < 9.995 ? 2 : number < 99.95 ? 1 : 0);
}

/** "1.50 GiB", "17 B": units of 1024. */
export function bytes(number) {
  let unit = 0;
  while (number >= 1023.5 && unit < kUnits.length - 1) {
    number /= 1024;
    ++unit;
  }
  return `${unit === 0 ? count(number) : three(number)} ${kUnits[unit]}`;
}

export const rate = (number) => `${bytes(number)}/s`;
export const objectRate = (number) => `${number >= 999.5 ? count(number) : three(number)} /s`;

/** "40 s", "12 min", "3 h 20 min", "5 d 4 h": the two largest units that matter. */
export function duration(seconds) {
  seconds = Math.max(0, Math.round(seconds));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** Never "100 %" while something is missing, never "0 %" when something is there. */
export function percent(part, all) {
  if (all <= 0) return '–';
  if (part >= all) return '100 %';
  const share = (100 * part) / all;
  if (share > 0 && share < 0.1) return '<0.1 %';
  return `${(Math.floor(share * 10) / 10).toFixed(1)} %`;
}

export const seconds = (text) => Date.parse(text) / 1000;
export const ago = (then, now) => (now - then < 2 ? 'now' : `${duration(now - then)} ago`);
export const clock = (second) => new Date(second * 1000).toLocaleTimeString('en-GB');

/** Date and time of day; the day is left out if it is today. */
export function moment(second, now) {
  const then = new Date(second * 1000);
  const today = then.toDateString() === new Date(now * 1000).toDateString();
  const day = `${String(then.getDate()).padStart(2, '0')} ${then.toLocaleString('en', { month: 'short' })} `;
  return (today ? '' : day) + clock(second);
}

/** A key with everything that could hide or turn text around made visible. */
export function visible(key) {
  return key.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => {
    if (c === '\n') return '\\n';
    if (c === '\t') return '\\t';
    return `\\u{${c.codePointAt(0).toString(16).padStart(4, '0')}}`;
  });
}

/** The name of an object, whichever way it travelled. */
export const keyOf = (entry) => (entry.key === undefined ? entry.key_percent_encoded : visible(entry.key));
