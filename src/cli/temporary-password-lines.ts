/** How a password that was made is shown; no line where it was given. */
export function temporaryPasswordLines(temporaryPassword: string | undefined): readonly string[] {
  if (temporaryPassword === undefined) return [];
  return [`Temporary password, shown this once: ${temporaryPassword}`];
}
