// Questions to the explainer. What goes wrong is a `Trouble` in the words that the explainer uses too.

const TOO_SLOW_SECONDS = 90; // the explainer itself gives up on the model server after 30 a question

/** An error for people: what came, what was expected and what to do. */
export class Trouble extends Error {
  constructor(words) {
    super(words.came);
    this.words = words;
  }
}

/** Limits, formats, colours and the usual opacity. */
export function settings() {
  return asked("page/settings.json", {}, (response) => response.json());
}

/** Name and version of the model that is ready; a `Trouble` where none is. */
export function readyModel() {
  return asked("readyz", {}, (response) => response.json());
}

/** The explanation of a photo, for the predicted or a named class. */
export function explanation(file, explainedClass, signal) {
  return sent(file, { format: "json" }, explainedClass, signal, (response) => response.json());
}

/** The overlay as a PNG in the photo's own resolution. */
export function overlay(file, explainedClass, opacity, signal) {
  return sent(file, { format: "overlay", opacity }, explainedClass, signal, (response) => response.blob());
}

async function sent(file, query, explainedClass, signal, read) {
  const all = new URLSearchParams(explainedClass === null ? query : { ...query, class: explainedClass });
  const headers = { "Content-Type": "application/octet-stream" };
  const body = await bytesOf(file);
  return asked(`v1/explain?${all}`, { method: "POST", headers, body, signal }, read);
}

async function bytesOf(file) {
  try {
    return await file.arrayBuffer();
  } catch {
    throw new Trouble({
      came: "a file that this browser cannot read any more",
      expected: "a photo that is still where it was chosen",
      to_do: "choose it again",
    });
  }
}

async function asked(path, request, read) {
  const ends = [AbortSignal.timeout(1000 * TOO_SLOW_SECONDS), ...(request.signal ? [request.signal] : [])];
  try {
    const response = await fetch(path, { ...request, signal: AbortSignal.any(ends) });
    if (response.ok) return await read(response);
    throw new Trouble(await wordsOf(response));
  } catch (error) {
    throw error instanceof Trouble ? error : troubleOf(error);
  }
}

async function wordsOf(response) {
  const answer = await response.json().catch(() => ({}));
  return (
    answer.error ?? {
      came: `the answer ${response.status} ${response.statusText}, without a reason`,
      expected: "an answer of the explainer",
      to_do: "open this page at the explainer's own address",
    }
  );
}

/** A person's own cancelling stays what it is. */
function troubleOf(error) {
  if (error.name === "AbortError") return error;
  if (error.name === "TimeoutError") {
    return new Trouble({
      came: `no answer within ${TOO_SLOW_SECONDS} seconds`,
      expected: "an answer within seconds",
      to_do: "try again; if it stays so, ask the person who runs the model server",
    });
  }
  return new Trouble({
    came: `no answer from ${location.host}`,
    expected: "the explainer, which also serves this page, to run",
    to_do: "look whether it still runs (`make explainer` starts it), then try again; your photos stay here",
  });
}
