// Moving in time, in space, from item to item, from release to release.

const go = (ms) => {
  state.t = clamp(ms, DATA.scale[0][0], END);
  if (unit(state.t) < state.view[0] || unit(state.t) > state.view[1]) {
    const span = state.view[1] - state.view[0];
    const low = clamp(unit(state.t) - span / 2, 0, 1 - span);
    state.view = [low, low + span];
    render();
  } else moved();
};
const select = (key, move = true) => {
  state.key = key;
  const item = byKey.get(key);
  if (item && move) go(item.start);
  else remember();
  explain();
};
const zoom = (factor, place = unit(state.t)) => {
  const [low, high] = state.view,
    span = clamp((high - low) * factor, 0.0005, 1),
    part = (place - low) / (high - low);
  const left = clamp(place - span * clamp(part, 0, 1), 0, 1 - span);
  state.view = [left, left + span];
  render();
};
const pan = (share) => {
  const [low, high] = state.view,
    span = high - low,
    left = clamp(low + share * span, 0, 1 - span);
  state.view = [left, left + span];
  render();
};
const step = (direction) => {
  const all = DATA.instants,
    found =
      direction > 0
        ? all.find((one) => one > state.t + 0.0005)
        : [...all].reverse().find((one) => one < state.t - 0.0005);
  if (found !== undefined) go(found);
};
const nextItem = (direction) => {
  const lane = shownLanes.find((keys) => keys.includes(state.key)) || shownLanes.find((keys) => keys.length);
  if (!lane) return;
  const place = lane.indexOf(state.key);
  select(lane[place < 0 ? 0 : clamp(place + direction, 0, lane.length - 1)]);
};
const nextLane = (direction) => {
  const filled = shownLanes.filter((keys) => keys.length),
    place = filled.findIndex((keys) => keys.includes(state.key));
  const lane = filled[place < 0 ? 0 : clamp(place + direction, 0, filled.length - 1)];
  if (!lane) return;
  const before = byKey.get(state.key),
    near = (key) => {
      const item = byKey.get(key);
      return item.start <= (before ? before.start : 0) && (before ? before.start : 0) < item.end;
    };
  select(lane.find(near) || lane[0]);
};
const chooseRun = (run) => {
  const before = byKey.get(state.key);
  state.run = run;
  state.answer = -1;
  if (before && run !== "all") state.key = [run, ...before.key.split("/").slice(1)].join("/");
  render();
};
