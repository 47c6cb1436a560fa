import type { Request, RequestHandler, Response } from 'express';

/** A middleware, as a step of another one. Rejects with what it hands on. */
export function pass(middleware: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    middleware(req, res, (error?: unknown) => (error ? reject(error) : resolve()));
  });
}
