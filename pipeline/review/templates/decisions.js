// Decisions as lines of reviews/decisions.csv: the same rules as pipeline/photos/decisions.py.
const COLUMNS = ["sha256", "decision", "label", "group", "reason", "by"];
const WITHOUT_GROUP = COLUMNS.filter((column) => column !== "group");
const FORMULA = /^'*[=+\-@]/;

function isName(text) {
  const visible = /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text.replace(/[\u200c\u200d]/g, ""));
  return text.length > 0 && [...text].length <= 100 && visible && text === text.trim() && !/^[=+\-@]/.test(text);
}

function csvOf(lines) {
  const rows = lines.map((line) => COLUMNS.map((column) => cellOf(line[column])).join(","));
  return [COLUMNS.join(","), ...rows].join("\n") + "\n";
}

function cellOf(text) {
  const disarmed = FORMULA.test(text) ? "'" + text : text; // a spreadsheet would compute it
  return /[",\r\n]/.test(disarmed) ? `"${disarmed.replaceAll('"', '""')}"` : disarmed;
}

// Gives the decisions of a file, or throws an Error that says what is wrong with it.
function decisionsOf(text) {
  const [header, ...rows] = rowsOf(text.replace(/^\ufeff/, ""));
  const columns = [COLUMNS, WITHOUT_GROUP].find((known) => known.join() === (header || []).join());
  if (!columns) throw new Error(`its first line is not ${COLUMNS.join(",")}`);
  return rows.map((cells) => {
    if (cells.length !== columns.length) throw new Error(`the line ${cells.join(",")} has ${cells.length} cells`);
    const line = Object.fromEntries(COLUMNS.map((column) => [column, ""]));
    columns.forEach((column, place) => {
      const cell = cells[place].trim();
      line[column] = cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
    });
    return line;
  });
}

function rowsOf(text) {
  const rows = [];
  let cells = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|$)/gy;
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (!found) throw new Error("a quoted cell is never closed");
    cells.push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
    if (found[3] === ",") {
      if (cell.lastIndex < text.length) continue;
      cells.push("");
    }
    if (cells.length > 1 || cells[0]) rows.push(cells);
    cells = [];
  }
  return rows;
}

// What is decided about a photo: a line with keep, drop or relabel, and one with together; either may be null.
const NOTHING = Object.freeze({ verdict: null, together: null });

function answersOf(lines) {
  const answers = new Map();
  for (const line of lines) {
    const answer = answers.get(line.sha256) || NOTHING;
    const question = line.decision === "together" ? "together" : "verdict";
    if (line.decision !== "withdraw") answers.set(line.sha256, { ...answer, [question]: line });
  }
  return answers;
}

function isSameLine(one, other) {
  if (!one || !other) return one === other;
  return ["decision", "label", "group", "reason"].every((column) => one[column] === other[column]);
}

function isSame(one, other) {
  return isSameLine(one.verdict, other.verdict) && isSameLine(one.together, other.together);
}

function linesOf(answer) {
  return [answer.verdict, answer.together].filter(Boolean);
}

// Lines of a file with some photos answered anew; the order of what was there stays.
function withAnswers(lines, answers) {
  const there = answersOf(lines);
  const all = new Map([...there, ...answers]);
  return [...all.values()].flatMap(linesOf);
}
