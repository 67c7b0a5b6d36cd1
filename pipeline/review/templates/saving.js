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
    if (error.name !== "AbortError") tell(`not saved: ${error.message}`); // the person closed the file dialog
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
  const edits = await settled(lines);
  if (!edits) return;
  const merged = withAnswers(lines, edits);
  const writable = await handle.createWritable();
  await writable.write(csvOf(merged));
  await writable.close();
  state.base = answersOf(merged);
  markSaved("file");
  tell(`saved into ${handle.name}: ${merged.length} lines`);
}

// Answers of this page, less those where the file says something newer and a person lets that stand.
async function settled(lines) {
  const inFile = answersOf(lines);
  const mine = new Map([...state.edits].map(([sha256, edit]) => [sha256, signed(edit)]));
  const conflicts = unsaved()
    .map(([sha256, edit]) => ({ sha256, theirs: inFile.get(sha256) || NOTHING, mine: edit }))
    .filter(({ sha256, theirs, mine: edit }) => !isSame(theirs, state.base.get(sha256) || NOTHING) && !isSame(theirs, edit));
  // What an earlier save wrote is the file's from then on.
  for (const [sha256, edit] of state.edits) if (edit.saved === "file") mine.delete(sha256);
  if (!conflicts.length) return mine;
  const theirs = await askConflicts(conflicts);
  if (!theirs) return null;
  for (const sha256 of theirs) {
    mine.delete(sha256);
    state.edits.delete(sha256);
  }
  return mine;
}

function signed(edit) {
  const sign = (line) => line && { ...line, by: line.by || state.by };
  return { verdict: sign(edit.verdict), together: sign(edit.together) };
}

function saveAsDownload() {
  const mine = new Map([...state.edits].map(([sha256, edit]) => [sha256, signed(edit)]));
  const lines = withAnswers([...state.base.values()].flatMap(linesOf), mine);
  // A file that is merged has to say what was taken back; first, so that lines on the same photo hold after it.
  const changed = [...mine].filter(([sha256]) => state.base.has(sha256));
  const withdrawn = changed.filter(([sha256, edit]) => {
    const { verdict, together } = state.base.get(sha256);
    return (verdict && !edit.verdict) || (together && !edit.together);
  });
  const takenBack = withdrawn.map(([sha256]) => ({ ...EMPTY_LINE, sha256, decision: "withdraw", by: state.by }));
  const link = element("a", {
    href: URL.createObjectURL(new Blob([csvOf([...takenBack, ...lines])], { type: "text/csv" })),
    download: "decisions.csv",
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  markSaved("download");
  tell("downloaded as decisions.csv; now run: make decide FROM=<the downloaded file>");
}

function markSaved(how) {
  for (const [sha256, edit] of state.edits) state.edits.set(sha256, { ...edit, saved: how });
}
