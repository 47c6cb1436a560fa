import type { Request, Response } from 'express';
import { SECOND_MS } from '../core/duration.ts';
import { createPoller, type Poller } from '../core/poller.ts';
import { uploadedFile } from '../http/multipart.ts';
import type { ActingSession, SessionActors } from './session-actors.ts';
import { SessionEndedError } from './session-storage.ts';

/** Requests under a session that take long: uploads, exports, answers that wait. They end with their session. */
export interface LongRequests extends Poller {
  /** Watches a request until its answer is out. */
  follow(req: Request, res: Response, session: ActingSession): void;
}

export interface LongRequestsDeps {
  readonly actors: Pick<SessionActors, 'hasEnded'>;
  readonly onError: (error: unknown) => void;
}

const COMPARE_EVERY_MS = SECOND_MS;

interface FollowedRequest {
  readonly req: Request;
  readonly res: Response;
  readonly session: ActingSession;
  readonly since: number;
}

/** Asks once a second about the requests that are older than that: most are over by then, and cost nothing but a place in a set. */
export function createLongRequests({ actors, onError }: LongRequestsDeps): LongRequests {
  const followed = new Set<FollowedRequest>();

  async function compare(): Promise<void> {
    const now = performance.now();
    const long = [...followed].filter(({ since }) => now - since >= COMPARE_EVERY_MS);
    for (const request of long) if (await actors.hasEnded(request.session)) end(request);
  }

  function end(request: FollowedRequest): void {
    followed.delete(request);
    const { req, res } = request;
    // The reader of the file learns why it ends, and answers that.
    const upload = uploadedFile(req);
    if (upload !== undefined && !req.complete) upload.stream.destroy(new SessionEndedError());
    // Cut off: a client that was promised more sees that it did not get it.
    else if (res.headersSent) res.destroy();
  }

  return {
    ...createPoller({ intervalMs: COMPARE_EVERY_MS, work: compare, onError }),
    follow(req, res, session) {
      const request = { req, res, session, since: performance.now() };
      followed.add(request);
      res.once('close', () => followed.delete(request));
    },
  };
}
