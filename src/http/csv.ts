/** What spreadsheets take for the beginning of a formula (OWASP, CSV injection; ASVS 1.2.10). */
const FORMULA = /^[=+\-@\t\r]/;

/** One line of CSV (RFC 4180) with its line break. A cell that a spreadsheet would carry out gets an apostrophe in front. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

/** A cell that `csvLine` has written, as it was before. */
export function readCsvCell(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell.slice(1)) ? cell.slice(1) : cell;
}

function toCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
