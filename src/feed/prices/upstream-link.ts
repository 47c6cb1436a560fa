import type { Clock } from '../../core/clock.ts';
import type { PriceStream, StreamEnd, StreamPass } from '../../core/price-feed.ts';
import type { PriceBook } from './price-book.ts';
import type { StreamSilence } from './stream-silence.ts';
import { createStreamSubscriptions } from './stream-subscriptions.ts';

/** The stream that fills a price book, one at a time: open, opening, or none. */
export interface UpstreamLink {
  /** What it was opened with; undefined where there is none. */
  readonly pass: StreamPass | undefined;
  readonly isOpen: boolean;
  /** Ticks so far, of all streams. */
  readonly ticks: number;
  open(pass: StreamPass): void;
  /** Lets the stream go, from this side. */
  drop(): void;
  /** To be called when the wants of an instrument may have changed. */
  want(key: string): void;
}

export interface UpstreamLinkOptions {
  readonly book: PriceBook;
  readonly silence: StreamSilence;
  readonly clock: Clock;
  /** With the time that the stream has been open for. */
  readonly onTicks: (openForMs: number) => void;
  /** It has ended, and not from this side. */
  readonly onEnd: (end: StreamEnd, pass: StreamPass) => void;
}

export function createUpstreamLink({
  book,
  silence,
  clock,
  onTicks,
  onEnd,
}: UpstreamLinkOptions): UpstreamLink {
  let link: { readonly pass: StreamPass; readonly stream: PriceStream; isOpen: boolean } | undefined;
  let openedAt = clock.now();
  let ticks = 0;

  const subscriptions = createStreamSubscriptions(book.modeOf, () =>
    link?.isOpen ? link.stream : undefined,
  );

  return {
    get pass() {
      return link?.pass;
    },
    get isOpen() {
      return link?.isOpen === true;
    },
    get ticks() {
      return ticks;
    },

    open(pass) {
      subscriptions.forget();
      const opened = pass.connect({
        onOpen() {
          if (link?.stream !== opened) return;
          link.isOpen = true;
          openedAt = clock.now();
          silence.begin();
          for (const key of book.keys()) subscriptions.want(key);
        },
        onTicks(news) {
          if (link?.stream !== opened) return;
          const now = clock.now();
          silence.heard();
          onTicks(now - openedAt);
          ticks += news.length;
          book.apply(news, now);
        },
        onEnd(end) {
          if (link?.stream !== opened) return;
          link = undefined;
          book.markStale();
          onEnd(end, pass);
        },
      });
      link = { pass, stream: opened, isOpen: false };
    },

    drop() {
      link?.stream.end();
      link = undefined;
      book.markStale();
    },

    want: subscriptions.want,
  };
}
