// From one event up to real development chains, and what nodes of the reader's own say of the blocks.
//
// Three clouds of its own: the shared ones anchor on no chain.
import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { bearer, email, expect, PASSWORD, test } from "./console";
import { begin, type Clouds } from "./demonstration";
import type { Page } from "@playwright/test";

test.describe.configure({ mode: "serial", timeout: 240_000 });
test.use({ role: null });

const PERIOD = "2026-10";
/** A wallet, a hundred blocks, three clusters, and then three confirmations. */
const ANCHORED = { timeout: 180_000, intervals: [1_000] };

const installed = (name: string) => {
  try {
    return execFileSync("which", [name], { stdio: ["ignore", "pipe", "ignore"] }).length > 0;
  } catch {
    return false;
  }
};
const hasChains = (!!process.env.TERNION_ANVIL || installed("anvil")) && installed("litecoind");

let clouds: Clouds;
let period = PERIOD;
let finish = async () => {};
let proxy: Server;
const node = { bitcoin: "", bitcoinRefuses: "", ethereum: "", heard: [] as string[] };

type Anchor = { publisher: string; anchored: boolean; period?: string };

/** Bitcoin Core lets no page read its answers. This adds the header that does, as an auditor's proxy would. */
function letPagesRead(upstream: string): Promise<string> {
  proxy = createServer(async (request, response) => {
    node.heard.push(`${request.method} ${request.url} ${request.headers.cookie ?? "-"} ${request.headers.referer ?? "-"} ${request.headers.origin ?? "-"}`);
    const answer = await fetch(`${upstream}${request.url}`);
    response.writeHead(answer.status, { "access-control-allow-origin": "*" });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  return new Promise((resolve) => {
    proxy.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`));
  });
}

test.beforeAll(async ({ playwright }) => {
  test.skip(!hasChains, "anvil or litecoind is not installed");
  test.setTimeout(300_000); // a hook has a time of its own
  const own = await begin([]);
  ({ clouds, finish } = own);
  const base = Number(new URL(clouds.gcp).port);
  // docs/snapshots.md: ports five and six above the first cloud's.
  node.ethereum = `http://127.0.0.1:${base + 5}`;
  node.bitcoinRefuses = `http://127.0.0.1:${base + 6}/rest`;
  node.bitcoin = `${await letPagesRead(`http://127.0.0.1:${base + 6}`)}/rest`;
  const asking = await playwright.request.newContext({ baseURL: clouds.gcp });
  await expect(async () => {
    const answer = await asking.get("/v1/anchors", bearer("demo-auditor"));
    const { items } = (await answer.json()) as { items: Anchor[] };
    const done = items.filter((one) => one.anchored).map((one) => one.publisher).sort();
    expect(done).toEqual(["bitcoin", "ethereum", "rfc3161"]);
    const snapshots = await asking.get("/v1/snapshots", bearer("demo-auditor"));
    const listed = (await snapshots.json()) as { items: { period: string }[] };
    period = listed.items.at(-1)!.period;
  }).toPass(ANCHORED);
  await asking.dispose();
});

test.afterAll(async () => {
  proxy?.close();
  await finish();
});

async function signIn(page: Page): Promise<void> {
  const form = { email: email("auditor"), password: PASSWORD, next: "/verify" };
  await page.request.post(`${clouds.gcp}/sign-in`, { form, maxRedirects: 0 });
}

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${clouds.gcp}${path}`);
  await expect(page.locator("html[data-alive]")).toBeAttached({ timeout: 30_000 });
}

/** A bundle with chains takes a busy machine some time. */
const CHECKED = { timeout: 60_000 };
const verdict = (page: Page) => page.locator(".verdict");

/** What the development chains are: nobody's but this machine's. */
async function ofDevelopment(page: Page): Promise<void> {
  await page.getByText("Blocks and authorities of yours").click();
  await page.locator("#bitcoin-network").selectOption("regtest");
  await page.locator("#ethereum-chain").fill("31337");
}

async function ask(page: Page, bitcoin: string, ethereum: string): Promise<void> {
  const opened = await page.locator("#ask-bitcoin").isVisible();
  if (!opened) await page.getByText("Ask nodes or explorers of yours").click();
  await page.locator("#ask-bitcoin").fill(bitcoin);
  await page.locator("#ask-ethereum").fill(ethereum);
  await page.getByRole("button", { name: "Ask them" }).click();
}

test("from the snapshot's page one press leads to the proof, and an event of one's choice up to the chain", async ({ page, expectAccessible }, info) => {
  await signIn(page);
  await open(page, `/anchors/${period}`);
  await page.screenshot({ path: info.outputPath("snapshot.png"), fullPage: true });
  await page.getByRole("link", { name: "Prove it in this browser" }).click();
  await expect(page).toHaveURL(new RegExp(`/verify\\?bundle=${period}$`));
  await expect(verdict(page)).toHaveAttribute("data-state", "unidentified", CHECKED);
  await expect(page.locator(".step[data-state=invalid]")).toHaveCount(0);
  await expect(page.locator(".steps-file", { hasText: "ethereum.json" })).toBeVisible();

  // The first event that was ever recorded is below the cut.
  const listed = await page.request.get(`${clouds.gcp}/v1/events?q=gcp/1/0`, bearer("demo-auditor"));
  const first = ((await listed.json()) as { items: { eventId: string }[] }).items[0]!;
  await open(page, `/anchors/${period}`);
  await page.getByLabel("Event id").fill(first.eventId);
  await page.getByRole("button", { name: "Walk up to the chain" }).click();
  await expect(page).toHaveURL(new RegExp(`/verify\\?event=${first.eventId}$`));
  await expect(page.locator(".stretch")).toHaveCount(3, CHECKED);
  await expect(page.locator(".stretch").nth(1)).toContainText("The event’s leaf leads to its log’s root in the manifest".replaceAll("’", "'"));
  await expect(page.locator(".step[data-state=invalid]")).toHaveCount(0);
  await expect(page.locator(".stretch-depth li")).toHaveCount(3);
  await expectAccessible();
  await page.screenshot({ path: info.outputPath("walk.png"), fullPage: true });
});

test("nodes of the reader's own are asked for a number and nothing else, and what they say counts", async ({ page, expectAccessible }, info) => {
  await signIn(page);
  await open(page, `/verify?bundle=${period}`);
  await expect(verdict(page)).toContainText("which blocks are in Ethereum's chain rests on the bundle's word", CHECKED);
  await ofDevelopment(page);
  await expect(verdict(page)).toContainText("which blocks are in Bitcoin's chain rests on the bundle's word");
  await ask(page, node.bitcoin, node.ethereum);
  await expect(page.locator(".ask-voices li[data-state=valid]")).toHaveCount(2, { timeout: 30_000 });
  await expect(verdict(page)).not.toContainText("chain rests on", CHECKED);
  await expect(page.locator(".step[data-state=valid]", { hasText: "The block is in the chain of Bitcoin's regtest" })).toContainText("asked from this page");
  await expect(page.locator(".step[data-state=valid]", { hasText: "The block is in the chain" })).toHaveCount(2);
  // No cookie, no referrer, and an origin that is nobody's.
  expect(node.heard.length).toBeGreaterThanOrEqual(3);
  for (const heard of node.heard) expect(heard).toMatch(/^GET \/rest\/(blockhashbyheight\/\d+\.hex|headers\/1\/[0-9a-f]{64}\.hex|chaininfo\.json) - - null$/);
  await expectAccessible();
  await page.screenshot({ path: info.outputPath("asked.png"), fullPage: true });
});

test("who does not answer, answers otherwise or lets no page read is named, and nothing of it counts", async ({ page, expectComplaint }) => {
  expectComplaint(/ERR_FAILED|ERR_UNSAFE_PORT|ERR_CONNECTION_REFUSED|blocked by CORS policy|404/);
  await signIn(page);
  await open(page, `/verify?bundle=${period}`);
  await ofDevelopment(page);
  const liar = createServer((_, response) => {
    response.writeHead(200, { "access-control-allow-origin": "*", "access-control-allow-headers": "*" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, result: "0x1" }));
  });
  await new Promise<void>((resolve) => void liar.listen(0, "127.0.0.1", resolve));
  const other = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
  await ask(page, `${node.bitcoinRefuses}\nhttp://127.0.0.1:1/rest`, other);
  const voices = page.locator(".ask-voices li[data-state=invalid]");
  await expect(voices).toHaveCount(3, { timeout: 30_000 });
  await expect(voices.nth(0)).toContainText("does not let pages ask");
  await expect(voices.nth(2)).toContainText("it named no block");
  await expect(verdict(page)).toContainText("which blocks are in Ethereum's chain rests on the bundle's word");
  liar.close();
  await page.locator("#ask-bitcoin").fill("http://192.0.2.1/rest");
  await expect(page.locator("#ask-bitcoin-note")).toContainText("plain http on another machine");
});

test("the page itself may still connect to nobody else", async ({ page, expectComplaint }) => {
  expectComplaint(/Content Security Policy|Refused to connect|violates the following/);
  await signIn(page);
  await open(page, "/verify");
  const reached = await page.evaluate((url) => fetch(url, { mode: "no-cors" }).then(() => true, () => false), node.ethereum);
  expect(reached).toBe(false);
  const frame = await page.evaluate(async () => {
    const frame = document.createElement("iframe");
    frame.src = "/asking";
    document.body.append(frame);
    await new Promise((resolve) => (frame.onload = resolve));
    return frame.contentDocument === null;
  });
  expect(frame, "even without the attribute the frame is of another origin").toBe(true);
});
