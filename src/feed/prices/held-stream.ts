import type { Clock } from '../../core/clock.ts';
import { SECOND_MS } from '../../core/duration.ts';
import type { PriceStream, StreamListener, Tick } from '../../core/price-feed.ts';
import type { SharedStreamBody } from './shared-stream-message.ts';
import { createSharedWants, type Wants } from './shared-wants.ts';
import { createStreamSubscriptions } from './stream-subscriptions.ts';

/** The broker's stream, told of what all nodes want, which passes on what other nodes read. */
export interface HeldStream {
  /** This node's wants, all of them. */
  want(wants: Wants): void;
  /** Another node's wants, all of them. */
  hearReader(reader: string, wants: Wants): void;
  /** To be called every few seconds. */
  sayOpen(): void;
  end(): void;
}

export interface HeldStreamOptions {
  readonly connect: (listener: StreamListener) => PriceStream;
  readonly clock: Clock;
  /** To all readers on other nodes. */
  readonly tell: (body: SharedStreamBody) => void;
}

/** Readers say every three seconds that they are there. */
const READER_LASTS_MS = 10 * SECOND_MS;
const HERE = 'here';

export function holdStream(
  { connect, clock, tell }: HeldStreamOptions,
  listener: StreamListener,
): HeldStream {
  const heardAt = new Map<string, number>();
  let isOpen = false;
  const wants = createSharedWants((key) => subscriptions.want(key));
  const subscriptions = createStreamSubscriptions(wants.modeOf, () => (isOpen ? stream : undefined));
  const stream = connect({
    onOpen() {
      isOpen = true;
      for (const key of wants.keys()) subscriptions.want(key);
      tell({ kind: 'open' });
      listener.onOpen();
    },
    onTicks(ticks) {
      wants.remember(ticks, clock.now());
      tellTicks(ticks.filter(({ key }) => wants.isWantedBesides(HERE, key)));
      listener.onTicks(ticks);
    },
    onEnd: listener.onEnd,
  });

  function tellTicks(ticks: readonly Tick[]): void {
    if (ticks.length > 0) tell({ kind: 'ticks', ticks });
  }

  function forgetSilentReaders(): void {
    for (const [reader, at] of heardAt) {
      if (performance.now() - at <= READER_LASTS_MS) continue;
      heardAt.delete(reader);
      wants.remove(reader);
    }
  }

  return {
    want(wanted) {
      const known = wants.set(HERE, wanted);
      if (known.length > 0) listener.onTicks(known);
    },
    hearReader(reader, wanted) {
      if (isOpen && !heardAt.has(reader)) tell({ kind: 'open' });
      heardAt.set(reader, performance.now());
      tellTicks(wants.set(reader, wanted));
    },
    sayOpen() {
      forgetSilentReaders();
      if (isOpen) tell({ kind: 'open' });
    },
    end: stream.end,
  };
}
