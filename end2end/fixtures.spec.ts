// Published proofs by others, checked by the page's own WebAssembly: every file that is there gets the
// verdict that its origin gives it.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "./console";
import type { Page } from "@playwright/test";

const FOLDER = process.env.TERNION_FIXTURES ?? resolve(__dirname, "../../shared/fixtures");
test.use({ role: "auditor" });
test.setTimeout(180_000);

type Verdict = "valid" | "unidentified" | "invalid" | "unreadable";
type Case = { name: string; file: Buffer; hash?: string; header?: string; authority?: Buffer; expected: Verdict };

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const at = (...parts: string[]) => readFileSync(join(FOLDER, ...parts));

/** What each says of itself is in the fixtures' README: finished, wrong root, promises, unknown. */
function timestamps(): Case[] {
  const header = (JSON.parse(at("ots", "block-358391.json").toString()) as { header_hex: string }).header_hex;
  const ends: Record<string, Verdict> = { "hello-world.txt.ots": "valid", "bad-stamp.txt.ots": "invalid" };
  const names = readdirSync(join(FOLDER, "ots")).filter((name) => name.endsWith(".ots"));
  const good = names.map((name): Case => {
    const hash = sha256(at("ots", name.replace(/\.ots$/, "")));
    const expected = ends[name] ?? "unidentified";
    return { name, file: at("ots", name), hash, ...(name in ends ? { header } : {}), expected };
  });
  const bad = readdirSync(join(FOLDER, "ots", "invalid"));
  return [...good, ...bad.map((name): Case => ({ name, file: at("ots", "invalid", name), expected: "unreadable" }))];
}

function stamps(): Case[] {
  return readdirSync(join(FOLDER, "rfc3161")).flatMap((folder) => {
    const read = (name: string) => at("rfc3161", folder, name);
    const [hash, other, authority] = [sha256(read("data.txt")), sha256(read("tampered.txt")), read("ca.crt")];
    return ["resp.tsr", "token.der"].flatMap((name): Case[] => [
      { name: `${folder}/${name}`, file: read(name), hash, authority, expected: "valid" },
      { name: `${folder}/${name}, no authority`, file: read(name), hash, expected: "unidentified" },
      { name: `${folder}/${name}, tampered`, file: read(name), hash: other, authority, expected: "invalid" },
    ]);
  });
}

async function verdictOf(page: Page, open: (path: string) => Promise<void>, one: Case): Promise<string> {
  // Anew: nothing of the case before may be left.
  await open("/verify");
  await expect(page.locator(".verify[data-ready]")).toBeVisible();
  if (one.hash) await page.locator("#hash").fill(one.hash);
  await page.getByText("Blocks and authorities of yours").click();
  if (one.header) await page.locator("#bitcoin-header").fill(one.header);
  const file = (name: string, buffer: Buffer) => ({ name, mimeType: "application/octet-stream", buffer });
  if (one.authority) await page.locator("#authorities").setInputFiles(file("ca.crt", one.authority));
  await page.locator("#receipt").setInputFiles(file(one.name.replaceAll(/[^a-z0-9.-]/g, "-"), one.file));
  const result = page.locator(".proof .verdict, .proof .form-error").first();
  await expect(result).toBeVisible();
  return (await result.getAttribute("data-state")) ?? "unreadable";
}

test("every published proof has its verdict in the browser", async ({ page, open }) => {
  test.skip(!existsSync(join(FOLDER, "ots")), `no fixtures in ${FOLDER}: set TERNION_FIXTURES`);
  const cases = [...timestamps(), ...stamps()];
  const wrong: string[] = [];
  for (const one of cases) {
    const found = await verdictOf(page, open, one);
    if (found !== one.expected) wrong.push(`${one.name}: ${found}, and ${one.expected} was expected`);
  }
  console.log(`fixtures in the browser: ${cases.length - wrong.length} of ${cases.length} right`);
  expect(wrong).toEqual([]);
});
