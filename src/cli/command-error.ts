/** A command cannot be carried out, for a reason that the person at the terminal can mend: its message is all they need. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandError';
  }
}
