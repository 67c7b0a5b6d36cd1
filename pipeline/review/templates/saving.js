// Saving: into reviews/decisions.csv itself where the browser can, else as a download for `make decide`.
let handle = null;

async function save() {
  if (!(await askWho())) return;
  if (!unsaved().length) {
    tell("nothing to save");
    return;
  }
  try {
    if (window.showOpenFilePicker) await saveInPlace();
    else saveAsDownload();
  } catch (error) {
    if (error.name === "AbortError") return; // the person closed the browser's file dialog
    const again = ["NotAllowedError", "SecurityError"].includes(error.name) ? "; save again, and allow it to write" : "";
    tell(`not saved: ${error.message}${again}`);
  }
}

// Opened, not "saved as": browsers empty a file that is chosen to be saved as before we could read it.
async function saveInPlace() {
  if (!handle) {
    const types = [{ description: "decisions", accept: { "text/csv": [".csv"] } }];
    const [chosen] = await window.showOpenFilePicker({ id: "decisions", types });
    if (chosen.name !== "decisions.csv" && !(await confirmed(`Write the decisions into ${chosen.name}?`))) return;
    handle = chosen;
  }
  let lines;
  try {
    lines = decisionsOf(await (await handle.getFile()).text());
  } catch (error) {
    const { name } = handle;
    handle = null;
    throw new Error(`${name} cannot be used: ${error.message}`);
  }
  const edits = await settled(answersOf(lines));
  if (!edits) return;
  const merged = withAnswers(lines, edits);
  const writable = await handle.createWritable();
  await writable.write(csvOf(merged));
  await writable.close();
  setLines(merged);
  state.edits.clear();
  tell(`saved into ${handle.name}: ${merged.length} line${merged.length === 1 ? "" : "s"}`);
}

// Answers of this page, less those where the file says something newer and a person lets that stand.
async function settled(theirs) {
  const edits = signed();
  const conflicts = [...edits]
    .map(([sha256, mine]) => ({ sha256, mine, theirs: theirs.get(sha256) || NOTHING }))
    .filter((one) => !isSame(one.theirs, inFile(one.sha256)) && !isSame(one.theirs, one.mine));
  if (!conflicts.length) return edits;
  const standing = await askConflicts(conflicts);
  if (!standing) return null;
  for (const sha256 of standing) edits.delete(sha256);
  return edits;
}

function signed() {
  const sign = (line) => line && { ...line, by: line.by || state.by };
  const all = [...state.edits].map(([sha256, edit]) => [sha256, { verdict: sign(edit.verdict), together: sign(edit.together) }]);
  return new Map(all);
}

function saveAsDownload() {
  const edits = signed();
  const lines = [...takenBack(), ...withAnswers(state.lines, edits)];
  const link = element("a", {
    href: URL.createObjectURL(new Blob([csvOf(lines)], { type: "text/csv" })),
    download: "decisions.csv",
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  for (const [sha256, given] of edits) state.edits.set(sha256, { ...given, isSaved: true, out: given });
  tell("downloaded as decisions.csv; now run: make decide FROM=<the downloaded file>");
}

// A file that is merged has to say what was given before and no longer is; other lines on the photo still hold.
function takenBack() {
  const lost = [...state.edits].filter(([sha256, edit]) =>
    ["verdict", "together"].some((question) => !edit[question] && (inFile(sha256)[question] || edit.out?.[question])),
  );
  return lost.map(([sha256]) => lineOf(sha256, "withdraw"));
}
