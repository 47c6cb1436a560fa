import type { NextFunction, Response } from 'express';
import { setWaited } from './request-watch.ts';

export interface PacingDeps {
  readonly waitMs: number;
  /** Past so many at a time none waits: each is a connection that is kept open. */
  readonly mostWaiting: number;
}

/** Lets a request go on a while later. For what must never be refused: who holds N connections gets N answers in that time. */
export function createPacing({
  waitMs,
  mostWaiting,
}: PacingDeps): (res: Response, next: NextFunction) => void {
  let waiting = 0;

  return function pace(res, next) {
    if (waiting >= mostWaiting) return next();
    waiting += 1;
    setWaited(res);
    const leave = (): void => {
      waiting -= 1;
      clearTimeout(timer);
      res.off('close', leave);
    };
    const timer = setTimeout(() => {
      leave();
      next();
    }, waitMs);
    res.once('close', leave);
  };
}
