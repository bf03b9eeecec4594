// Asks one address for the page around this frame, and hands back what came. It knows nothing else:
// no cookie, no file, no hash. Its origin is nobody's, so it cannot read this cloud either.
const WAIT_MS = 20000;
const CHARS_MAX = 200000;

async function ask({ url, body }) {
  const request = {
    credentials: "omit",
    referrerPolicy: "no-referrer",
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(WAIT_MS),
  };
  if (body !== undefined) {
    Object.assign(request, { method: "POST", body, headers: { "content-type": "application/json" } });
  }
  let answer;
  try {
    answer = await fetch(url, request);
  } catch (cause) {
    return { error: cause.name === "TimeoutError" ? "silent" : "refused" };
  }
  const text = (await answer.text()).slice(0, CHARS_MAX);
  return answer.ok ? { text } : { error: "status", status: answer.status };
}

addEventListener("message", async ({ data, source, ports }) => {
  if (source !== parent || ports.length !== 1) return;
  const port = ports[0];
  port.postMessage(await ask(data).catch(() => ({ error: "refused" })));
});
