// A demonstration of three clouds for the tests of one worker: import `test` and `expect` from here.
//
//   import { expect, test } from "./demo";
//   test("…", async ({ page, demo }) => { await page.goto(demo.gcp); });
import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { AxeBuilder } from "@axe-core/playwright";
import { test as base } from "@playwright/test";

export { expect } from "@playwright/test";

export type Cloud = "gcp" | "aws" | "azure";
/** Where each cloud answers, for example http://127.0.0.1:23000. */
export type Demo = Record<Cloud, string>;

const CLOUDS: Cloud[] = ["gcp", "aws", "azure"];
/** Three databases are made and a month of story is told before the last cloud is ready. */
const READY_MS_MAX = 120_000;
/** Three Postgres servers write their last checkpoint. */
const STOP_MS_MAX = 30_000;
/** HTTP takes the base and the nine after it (the fault lab is the last), DNS the next ten. */
const PORTS = 20;
const PORT_FIRST = 33_000;
const PORT_LAST = 60_000;

export const test = base.extend<{ axe: () => AxeBuilder }, { demo: Demo }>({
  demo: [
    async ({}, use) => {
      const data = await mkdtemp(join(tmpdir(), "ternion-end2end-"));
      // As root, Postgres runs under another account, which must be able to enter.
      await chmod(data, 0o755);
      const child = await start(data);
      try {
        await use(await ready(child));
      } finally {
        await stop(child);
        await rm(data, { recursive: true, force: true });
      }
    },
    { scope: "worker", timeout: READY_MS_MAX + STOP_MS_MAX },
  ],
  axe: async ({ page }, use) => {
    await use(() => new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]));
  },
});

async function start(data: string): Promise<ChildProcess> {
  const program = process.env.TERNION_BIN;
  if (!program) {
    throw new Error("TERNION_BIN is not set: run `make test`, or set it to target/debug/ternion");
  }
  const port = await freePorts();
  const ports = ["--port-base", `${port}`, "--dns-port-base", `${port + PORTS / 2}`];
  return spawn(program, ["demo", "--data", data, ...ports], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Resolves when each cloud has printed `ready <cloud> <url>`. */
function ready(child: ChildProcess): Promise<Demo> {
  return new Promise((resolve, reject) => {
    const found: Partial<Demo> = {};
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
        resolve(found as Demo);
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
