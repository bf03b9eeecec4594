// The workload in the browsers' engine: once without counting, then so many times; the median.
import { readFileSync } from "node:fs";
import { Workload, initSync } from "./engine.mjs";

const question = JSON.parse(process.argv[2]);
initSync({ module: readFileSync("engine_bg.wasm") });
const workload = new Workload(readFileSync("tenants.json", "utf8"));

function median(work) {
  let result = work();
  const took = [];
  for (let run = 0; run < question.runs; run += 1) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    result = work();
    const used = process.cpuUsage(cpu);
    took.push({ secs: (performance.now() - start) / 1e3, cpu_secs: (used.user + used.system) / 1e6 });
  }
  took.sort((left, right) => left.cpu_secs - right.cpu_secs);
  return { result, ...took[Math.floor(took.length / 2)] };
}

const { workload: which, seed, draws, runs } = question;
const all = median(() => workload.run(which, seed, draws));
const exact = median(() => workload.exact_margins());
console.log(JSON.stringify({
  peer: "ternion",
  target: "wasm",
  workload: which,
  draws,
  seed,
  threads: 1,
  runs,
  cpu_secs: all.cpu_secs,
  secs: all.secs,
  exact_margins_cpu_secs: exact.cpu_secs,
  results: JSON.parse(all.result),
}));
