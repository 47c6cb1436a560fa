import { gauge, type Metric } from '../http/metrics.ts';
import type { MessageStore } from './message-store.ts';

/** Of all nodes together: messages to Telegram that wait, and those of the last days that failed for good. */
export function createTelegramMetrics(
  messageStore: Pick<MessageStore, 'countOpenAndFailed'>,
): readonly Metric[] {
  return [
    gauge({
      name: 'curfew_telegram_messages',
      help: 'Messages to Telegram: still to be sent (open), or failed for good in the last seven days (failed).',
      labelNames: ['status'],
      async read() {
        const { open, failed } = await messageStore.countOpenAndFailed();
        return [
          { labels: { status: 'open' }, value: open },
          { labels: { status: 'failed' }, value: failed },
        ];
      },
    }),
  ];
}
