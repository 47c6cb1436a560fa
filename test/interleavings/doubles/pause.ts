/** Waits where a real store would: whoever drives the doubles decides what goes on first. `where` names the place. */
export type Pause = (where: string) => Promise<void>;

export const noPause: Pause = () => Promise.resolve();
