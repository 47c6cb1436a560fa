/** A key of another type than a session's is a body that can't be read (`''`), and no failure of Redis. */
export function readBody(reading: Promise<string | null>): Promise<string | null> {
  return reading.catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return '';
    throw error;
  });
}
