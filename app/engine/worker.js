// The worker beside the page Scenarios. Messages in: {open: {inputs, request}}, {aim: changes, at}.
// Messages out: {glance, at}, {step}, {refused}; texts, as the engine words them. `at` says which
// position of the levers a glance belongs to. One message in may overtake many draws: between two
// blocks the worker listens.
import init, { Engine } from "./engine.js";

const ready = init({ module_or_path: new URL("./engine_bg.wasm", import.meta.url) });
// A message to oneself comes after those that wait already, and without a timer's delay.
const turn = new MessageChannel();
// Draws wait until the levers have rested: while they move, glances need the processor.
const REST_MS = 120;

let engine = null;
let opened = null;
let aimed = null;
let drawing = false;
let rest = 0;
// Clocks may be coarse: who wakes too early waits again.
const drawAfter = (ms) => setTimeout(draw, Math.max(1, ms));

const say = (message) => self.postMessage(message);
const refuse = (error) => say({ refused: String(error?.message ?? error) });

function draw() {
  if (!drawing) {
    drawing = true;
    turn.port2.postMessage(null);
  }
}

turn.port1.onmessage = async () => {
  drawing = false;
  try {
    if (opened) {
      const { inputs, request } = opened;
      opened = null;
      await ready;
      engine?.free();
      engine = new Engine(inputs, request);
    }
    if (!engine) return;
    if (aimed) {
      const { aim, at } = aimed;
      aimed = null;
      const glance = engine.aim(aim);
      if (glance !== undefined) {
        say({ glance, at });
        rest = performance.now() + REST_MS;
        drawAfter(REST_MS);
        return;
      }
      rest = 0;
    }
    const early = rest - performance.now();
    if (early > 0) return drawAfter(early);
    const said = engine.advance();
    if (said === undefined) return;
    say({ step: said });
    draw();
  } catch (error) {
    refuse(error);
  }
};

self.onmessage = ({ data }) => {
  if (data.open) opened = data.open;
  if (data.aim !== undefined) aimed = data;
  draw();
};
