// What the page knows (DATA), what is seen of it (state), and where each instant lies.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const ENDED = new Set(["COMPLETED", "FAILED", "KILLED"]);
const PROBES = new Set(["PROBE_PASSED", "PROBE_FAILED"]);
const LANE = 40; // heights, and the room right of the plot, in pixels
const BAR_TOP = 15;
const BAR = 20;
const BAND = 22;
const CONDITION = 16;
const AFTER = 64;
const END = DATA.scale[DATA.scale.length - 1][1];
const state = { run: "all", t: 0, key: "", view: [0, 1], compress: true, theme: "light", answer: -1 };
let items = []; // everything that can be pointed at, lane by lane
let shownLanes = []; // lists of keys, for the arrow keys
let byKey = new Map();
let names = 200; // the width of the names' column
let width = 1000;
let onScreen = null; // theme and view while it is printed

const STRAIGHT = [[DATA.scale[0][0], END, 0, 1, false]];
const pieces = () => (state.compress ? DATA.scale : STRAIGHT);
// From an instant to 0 … 1 of the whole, and back.
const unit = (ms) => {
  const all = pieces();
  let piece = all[0];
  for (const one of all) if (one[0] <= ms) piece = one;
  const length = piece[1] - piece[0];
  return piece[2] + (length ? (clamp(ms, piece[0], piece[1]) - piece[0]) / length : 0) * piece[3];
};
const instant = (place) => {
  const all = pieces();
  let piece = all[0];
  for (const one of all) if (one[2] <= place) piece = one;
  return piece[0] + (piece[3] ? clamp((place - piece[2]) / piece[3], 0, 1) : 0) * (piece[1] - piece[0]);
};
const plot = () => width - names - AFTER;
const x = (ms) => names + ((unit(ms) - state.view[0]) / (state.view[1] - state.view[0])) * plot();
const at = (pixel) =>
  instant(clamp(state.view[0] + ((pixel - names) / plot()) * (state.view[1] - state.view[0]), 0, 1));
const look = (name) => theme().looks[name];
const theme = () => DATA.themes[state.theme];
