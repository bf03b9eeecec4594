// Three clouds for the whole run: started before the first test, stopped after the last.
//
// One demonstration and not one a file: three Postgres servers fill two cores, and most tests only
// read. A test that stops a cloud starts it again.
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export type Cloud = "gcp" | "aws" | "azure";
export const CLOUDS: Cloud[] = ["gcp", "aws", "azure"];
/** Where each cloud answers, for example http://127.0.0.1:33000. */
export type Clouds = Record<Cloud, string>;

/** Three databases are made and a story is told before the last cloud is ready. */
const READY_MS_MAX = 180_000;
/** Three Postgres servers write their last checkpoint. */
const STOP_MS_MAX = 40_000;
/** HTTP takes the base and the nine after it (the fault lab is the last), DNS the next ten. */
const PORTS = 20;
const PORT_FIRST = 33_000;
const PORT_LAST = 60_000;

/** Playwright's global set-up; what it gives back is the tear-down. */
export default async function start(): Promise<() => Promise<void>> {
  const { clouds, finish } = await begin(["--no-chains"]);
  process.env.TERNION_CLOUDS = JSON.stringify(clouds);
  return finish;
}

/** Three clouds of one's own, for what the shared ones do not have. */
export async function begin(options: string[]): Promise<{ clouds: Clouds; data: string; finish: () => Promise<void> }> {
  const data = await mkdtemp(join(tmpdir(), "ternion-end2end-"));
  // As root, Postgres runs under another account, which must be able to enter.
  await chmod(data, 0o755);
  const child = await spawnDemonstration(data, options);
  const finish = async () => {
    await stop(child);
    await leaveNothing(data);
  };
  try {
    return { clouds: await ready(child), data, finish };
  } catch (error) {
    await finish();
    throw error;
  }
}

/** What the set-up left for the workers. */
export function clouds(): Clouds {
  const text = process.env.TERNION_CLOUDS;
  if (!text) throw new Error("the demonstration was not started: run through Playwright's config");
  return JSON.parse(text) as Clouds;
}

async function spawnDemonstration(data: string, options: string[]): Promise<ChildProcess> {
  const program = process.env.TERNION_BIN;
  if (!program) {
    throw new Error("TERNION_BIN is not set: run `make test`, or set it to target/debug/ternion");
  }
  const port = Number(process.env.TERNION_PORT_BASE) || (await freePorts());
  const ports = ["--port-base", `${port}`, "--dns-port-base", `${port + PORTS / 2}`];
  // Its log goes where the reports go: of use when a test fails, in the way when none does.
  const env = { TERNION_LOG_FILTER: "warn", ...process.env };
  return spawn(program, ["demo", "--verbose", ...options, "--data", data, ...ports], { env, stdio: ["ignore", "pipe", "inherit"] });
}

/** Resolves when each cloud has printed `ready <cloud> <url>`. */
function ready(child: ChildProcess): Promise<Clouds> {
  return new Promise((resolve, reject) => {
    const found: Partial<Clouds> = {};
    const missing = () => CLOUDS.filter((cloud) => !found[cloud]).join(", ");
    const late = setTimeout(() => {
      reject(new Error(`not ready after ${READY_MS_MAX / 1000} s: ${missing()}`));
    }, READY_MS_MAX);
    const fail = (error: Error) => {
      clearTimeout(late);
      reject(error);
    };
    child.once("error", fail);
    child.once("exit", (code) => fail(new Error(`ended with ${code} before it was ready: ${missing()}`)));
    // Goes on reading to the end: a full pipe would stop the program.
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const [, cloud, url] = /^ready (gcp|aws|azure) (\S+)/.exec(line) ?? [];
      if (cloud) found[cloud as Cloud] = url;
      if (!missing()) {
        clearTimeout(late);
        resolve(found as Clouds);
      }
    });
  });
}

/** By SIGTERM, which stops the Postgres servers too; by force only when that is not heard. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(late);
  if (child.signalCode === "SIGKILL") throw new Error(`did not stop within ${STOP_MS_MAX / 1000} s`);
}

/** Whatever still names our folder was started by the demonstration, and should have ended with it. */
async function leaveNothing(data: string): Promise<void> {
  const left = await processesNaming(data);
  await rm(data, { recursive: true, force: true });
  if (left.length > 0) throw new Error(`left running after the demonstration:\n${left.join("\n")}`);
}

async function processesNaming(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    // A process may end while we look.
    const words = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (words.includes(text)) found.push(`${entry}: ${words.replaceAll("\0", " ")}`);
  }
  return found;
}

async function freePorts(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const steps = Math.floor((PORT_LAST - PORT_FIRST) / PORTS);
    const first = PORT_FIRST + PORTS * Math.floor(Math.random() * steps);
    const ports = Array.from({ length: PORTS }, (_, offset) => first + offset);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
  throw new Error(`no ${PORTS} free ports in a row from ${PORT_FIRST} to ${PORT_LAST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
