import type { MetricSource } from '../http/metrics.ts';
import type { MessageStore } from './message-store.ts';

/** Of all nodes together: messages to Telegram that wait, and those of the last days that were given up. */
export function createTelegramMetrics(messageStore: Pick<MessageStore, 'countOpenAndFailed'>): MetricSource {
  return async function telegramMetrics() {
    const { open, failed } = await messageStore.countOpenAndFailed();
    return [
      {
        name: 'curfew_telegram_messages',
        help: 'Messages to Telegram: still to be sent (open), or given up in the last seven days (failed).',
        type: 'gauge',
        samples: [
          { labels: { status: 'open' }, value: open },
          { labels: { status: 'failed' }, value: failed },
        ],
      },
    ];
  };
}
