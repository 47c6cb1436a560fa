/**
 * Where a spreadsheet would begin a formula (OWASP, CSV injection; ASVS 1.2.10): at the start of a cell, and behind a
 * semicolon, which separates cells where the comma is the decimal sign. Spaces in front do not stop it, and East Asian
 * spreadsheets take the full-width signs as well. An apostrophe counts as space, so that reading undoes writing.
 */
const FORMULA = /(^|;)(?=['\s]*[=+\-@\t\r\n＝＋－＠])/g;
/** The same, once it is written. */
const DISARMED = /(^|;)'(?=['\s]*[=+\-@\t\r\n＝＋－＠])/g;

/** One line of CSV (RFC 4180) with its line break. What a spreadsheet would carry out gets an apostrophe in front. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

/** A cell that `csvLine` has written, as it was before. */
export function readCsvCell(cell: string): string {
  return cell.replaceAll(DISARMED, '$1');
}

function toCell(text: string): string {
  const safe = text.replaceAll(FORMULA, "$1'");
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
