// What an auditor takes home: downloaded from the snapshot's page, and verified with the network off.
import { readFileSync } from "node:fs";
import { bearer, expect, test } from "./console";
import type { Page } from "@playwright/test";

// A day has one snapshot, and the demonstration is shared: one after the other.
test.describe.configure({ mode: "serial" });
test.use({ role: "auditor" });

const LONG = { timeout: 60_000 };
type File = { name: string; mimeType: string; buffer: Buffer };
type Anchor = { id: string; hash: string; anchored: boolean };

const file = (name: string, buffer: Buffer): File => ({ name, mimeType: "application/octet-stream", buffer });

/** The newest snapshot's period, agreed and stamped by the demonstration's own authority. */
async function stamped(page: Page): Promise<{ period: string; anchor: Anchor }> {
  const period = new Date().toISOString().slice(0, 10);
  const taken = await page.request.post("/v1/snapshots", { ...bearer("demo-auditor"), data: { period } });
  expect([200, 201]).toContain(taken.status());
  let anchor: Anchor | undefined;
  await expect(async () => {
    const snapshot = await page.request.get(`/v1/snapshots/${period}`, bearer("demo-auditor"));
    const { agreed } = (await snapshot.json()) as { agreed: string | null };
    const answer = await page.request.get("/v1/anchors", bearer("demo-auditor"));
    const { items } = (await answer.json()) as { items: Anchor[] };
    anchor = items.find((one) => one.hash === agreed && one.anchored);
    expect(anchor).toBeDefined();
  }).toPass(LONG);
  return { period, anchor: anchor! };
}

async function fetched(page: Page, path: string): Promise<Buffer> {
  const answer = await page.request.get(path, bearer("demo-auditor"));
  expect(answer.status()).toBe(200);
  return answer.body();
}

/** As a hand does it: the browser's own event with a file in it. */
async function drop(page: Page, id: string, { name, buffer }: File): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([name, base64]) => {
      const bytes = Uint8Array.from(atob(base64!), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name!));
      return transfer;
    },
    [name, buffer.toString("base64")],
  );
  await page.locator(`label[for=${id}]`).dispatchEvent("drop", { dataTransfer: transfer });
}

const verdict = (page: Page) => page.locator(".verdict");

test.beforeEach(({ expectComplaint }) => {
  // The stream, which wants the network back.
  expectComplaint(/ERR_INTERNET_DISCONNECTED/);
});

test("a bundle is downloaded, dropped and verified with the network off", async ({ page, context, open, expectAccessible }, info) => {
  test.slow();
  const { period, anchor } = await stamped(page);
  await open(`/anchors/${period}`);
  const waiting = page.waitForEvent("download");
  await page.getByRole("link", { name: "Audit bundle" }).click();
  const download = await waiting;
  expect(download.suggestedFilename()).toBe(`audit-${period}.zip`);
  const zip = file(download.suggestedFilename(), readFileSync(await download.path()));
  await page.screenshot({ path: info.outputPath("snapshot.png"), fullPage: true });
  const policy = await fetched(page, "/v1/policy-file");
  await open("/verify");
  await expect(page.locator(".verify[data-ready]")).toBeVisible();
  await context.setOffline(true);
  await drop(page, "receipt", zip);
  await expect(verdict(page)).toHaveAttribute("data-state", "unidentified");
  await expect(verdict(page)).toContainText("bring the deployment's policy file");
  await expect(page.locator(".steps-file", { hasText: "root.tsr" })).toBeVisible();
  await expect(page.locator(".step[data-state=invalid]")).toHaveCount(0);
  await page.locator("#policy").setInputFiles(file("own.policy", policy));
  await expect(verdict(page)).not.toContainText("policy file");
  await expect(verdict(page)).toContainText("bring its certificate");
  await page.locator("#hash").fill(anchor.hash);
  // A file whose steps all hold is one line until somebody wants to read it.
  const held = page.locator(".step[data-state=valid]", { hasText: "It is the hash that you hold" });
  await expect(held).toBeHidden();
  await page.locator(".steps-of", { has: held }).locator("summary").first().click();
  await expect(held).toBeVisible();
  await expectAccessible();
  await page.screenshot({ path: info.outputPath("verified.png"), fullPage: true });
  await page.locator("#hash").fill("0".repeat(64));
  await expect(verdict(page)).toHaveAttribute("data-state", "invalid");
  await expect(verdict(page)).toContainText("manifest.json");
  await page.screenshot({ path: info.outputPath("another-hash.png") });
});

test("one press shows the proof of this deployment's own bundle, and a wrong address says what is wrong", async ({ page, open, expectComplaint }) => {
  expectComplaint(/404/);
  const { period } = await stamped(page);
  await open("/anchors");
  await page.getByRole("link", { name: /^Prove it in this browser/ }).first().click();
  await expect(page).toHaveURL(/\/verify\?bundle=/);
  await expect(verdict(page)).toHaveAttribute("data-state", "unidentified");
  await expect(page.locator(".steps-file", { hasText: "manifest.json" }).first()).toBeVisible();
  for (const [address, words] of [
    ["/verify?bundle=October", "is no period: a month is written 2026-10"],
    ["/verify?bundle=2020-01", "There is no snapshot of 2020-01"],
    ["/verify?event=8a8f5bd6-0000-7000-8000-000000000000", "is stored here"],
  ] as const) {
    await open(address);
    await expect(page.locator(".proof .problem")).toContainText(words);
  }
  await open(`/verify?bundle=${period}`);
  await expect(verdict(page)).toBeVisible();
});

test("an event that a snapshot covers leads up to it, and one that none covers says so", async ({ page, open, expectComplaint }) => {
  expectComplaint(/404/);
  const record = async () => {
    const data = { tenantId: "acme-labs", payload: { kind: "hello" } };
    const answer = await page.request.post("/v1/events?wait=final&timeoutMs=20000", { ...bearer("demo-ingest"), data });
    expect(answer.status()).toBe(201);
    return ((await answer.json()) as { eventId: string }).eventId;
  };
  await stamped(page);
  const late = await record();
  await open(`/ledger/${late}`);
  await page.getByRole("link", { name: "Walk up to the chain" }).click();
  await expect(page.locator(".held[role=status]")).toContainText("Not covered by a snapshot yet");
  await expect(verdict(page)).toHaveAttribute("data-state", "unidentified");
  const answer = await page.request.get("/v1/events?q=gcp/1/0", bearer("demo-auditor"));
  const { items } = (await answer.json()) as { items: { eventId: string }[] };
  await open(`/verify?event=${items[0]!.eventId}`);
  await expect(page.locator(".stretch")).toHaveCount(3);
  await expect(page.locator(".step[data-state=invalid]")).toHaveCount(0);
});

test("a changed byte is found out, and what is no bundle is named", async ({ page, context, open }) => {
  const { period } = await stamped(page);
  const zip = await fetched(page, `/v1/snapshots/${period}/bundle`);
  await open("/verify");
  await expect(page.locator(".verify[data-ready]")).toBeVisible();
  await context.setOffline(true);
  const middle = Buffer.from(zip);
  middle[Math.floor(middle.length / 2)]! ^= 1;
  await drop(page, "receipt", file("changed.zip", middle));
  await expect(page.locator(".proof .form-error, .verdict[data-state=invalid]")).toBeVisible();
  await drop(page, "receipt", file("half.zip", zip.subarray(0, zip.length / 2)));
  await expect(page.locator(".proof .form-error")).toContainText("Not an audit bundle");
});

test("a time stamp is checked for a pasted hash, under authorities of one's own", async ({ page, context, open }) => {
  const { anchor } = await stamped(page);
  const part = (name: string) => fetched(page, `/v1/anchors/${anchor.id}/proof?file=${name}`);
  const [stamp, authority] = [await part("root.tsr"), await part("authority.pem")];
  await open("/verify");
  await expect(page.locator(".verify[data-ready]")).toBeVisible();
  await context.setOffline(true);
  await page.locator("#hash").fill(anchor.hash);
  await expect(page.locator(".proof")).toContainText("A hash alone proves nothing");
  await drop(page, "receipt", file("root.tsr", stamp));
  await expect(verdict(page)).toHaveAttribute("data-state", "unidentified");
  await page.getByText("Blocks and authorities of yours").click();
  await page.locator("#authorities").setInputFiles(file("authority.pem", authority));
  await expect(verdict(page)).toHaveAttribute("data-state", "valid");
  await page.locator("#hash").fill("12");
  await expect(page.locator("#hash-note")).toContainText("A hash is written in hex");
});

test("the certificate is a page to hand out", async ({ page, open }) => {
  const { period } = await stamped(page);
  await open(`/anchors/${period}`);
  const waiting = page.waitForEvent("download");
  await page.getByRole("link", { name: "Certificate (PDF)" }).click();
  const download = await waiting;
  expect(download.suggestedFilename()).toBe(`certificate-${period}.pdf`);
  expect(readFileSync(await download.path()).subarray(0, 5).toString()).toBe("%PDF-");
});

test.describe("in the dark on a phone", () => {
  test.use({ colorScheme: "dark", viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });

  test("every step of a bundle can be read", async ({ page, open, expectAccessible }, info) => {
    test.slow();
    const { period } = await stamped(page);
    const zip = await fetched(page, `/v1/snapshots/${period}/bundle`);
    await open("/verify");
    await page.locator("#receipt").setInputFiles(file("audit.zip", zip));
    await expect(verdict(page)).toBeVisible();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(390);
    await expectAccessible();
    await page.screenshot({ path: info.outputPath("phone.png") });
  });
});
