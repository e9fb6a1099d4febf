// Small helpers: elements, widths of texts, times in words.

const $ = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};
const draw = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== "") element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const ruler = document.createElement("canvas").getContext("2d");
const family = getComputedStyle(document.documentElement).fontFamily;
const measure = (text, size, bold = false) => {
  ruler.font = `${bold ? "600 " : ""}${size}px ${family}`;
  return ruler.measureText(text).width;
};
const shortened = (text, size, room) => {
  if (measure(text, size) <= room) return text;
  for (let length = text.length - 1; length > 1; length--) {
    const head = Math.ceil(length / 2);
    const cut = text.slice(0, head) + "…" + text.slice(text.length - (length - head));
    if (measure(cut, size) <= room) return cut;
  }
  return "…";
};
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const clock = (ms) => {
  const sign = ms < 0 ? "-" : "+",
    whole = Math.round(Math.abs(ms));
  const rest = String(whole % 1000).padStart(3, "0");
  if (whole < 600000) return `${sign}${Math.floor(whole / 1000)}.${rest}s`;
  const seconds = String(Math.floor(whole / 1000) % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60000);
  return minutes < 60
    ? `${sign}${minutes}m${seconds}s`
    : `${sign}${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, "0")}m${seconds}s`;
};
const lasted = (ms) =>
  ms < 1000
    ? `${Math.round(ms)} ms`
    : ms < 120000
      ? `${+(ms / 1000).toFixed(2)} s`
      : `${Math.floor(ms / 60000)} min ${Math.round(ms / 1000) % 60} s`;
// About how long a break is.
const about = (ms) =>
  ms < 72e5
    ? lasted(Math.round(ms / 1000) * 1000)
    : ms < 2592e5
      ? `${Math.round(ms / 36e5)} h`
      : `${Math.round(ms / 864e5)} d`;
// The age as kubectl prints it: the largest two units that matter, truncated.
const age = (ms) => {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 ? `${hours}h${minutes % 60}m` : `${hours}h`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  return days < 8 && hours % 24 ? `${days}d${hours % 24}h` : `${days}d`;
};
