import express from 'express';
import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { createAddressList } from '../../src/http/address-list.ts';
import {
  addressBucket,
  clientAddress,
  networkBucket,
  normaliseAddress,
} from '../../src/http/client-address.ts';

describe('one spelling for an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::1', '::1'],
    // As Azure's gateways and some other proxies write them.
    ['192.0.2.7:5678', '192.0.2.7'],
    ['[2001:DB8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[::ffff:192.0.2.7]:5678', '192.0.2.7'],
    ['::ffff:192.0.2.7:5678', '192.0.2.7'],
  ])('%s is %s', (text, address) => {
    expect(normaliseAddress(text)).toBe(address);
  });

  it.each([
    undefined,
    '',
    '192.0.2.7:',
    '192.0.2.7:65536',
    '192.0.2.7:http',
    '192.0.2.7:1:2',
    '[192.0.2.7]:80',
    '[2001:db8::1]80',
    '[2001:db8::1',
    '2001:db8::1]:80',
    '[]:80',
    ':80',
    '192.0.2.256',
    '192.0.2',
    '1',
    '0x7f.1',
    '010.0.0.1',
    'localhost',
    '<script>alert(1)</script>',
    '192.0.2.7, 10.0.0.1',
    'unknown',
    '_hidden',
  ])('%j is none', (text) => {
    expect(normaliseAddress(text)).toBeUndefined();
  });
});

describe('what a limit counts by', () => {
  it('is an IPv4 address, in either spelling', () => {
    expect(addressBucket('192.0.2.7')).toBe('192.0.2.7');
    expect(addressBucket('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(addressBucket('192.0.2.8')).not.toBe(addressBucket('192.0.2.7'));
  });

  it('is the network of an IPv6 address, since one customer has it whole', () => {
    expect(addressBucket('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(addressBucket('2001:db8:1:2:ffff::1')).toBe(addressBucket('2001:db8:1:2::9'));
    expect(addressBucket('2001:db8:1:3::1')).not.toBe(addressBucket('2001:db8:1:2::1'));
  });

  it('is the text itself where it is no address', () => {
    expect(addressBucket('unknown')).toBe('unknown');
  });
});

describe('the network to count by', () => {
  it('is the /48 of an IPv6 address', () => {
    expect(networkBucket('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1::/48');
    expect(networkBucket('2001:db8:1:ffff::1')).toBe(networkBucket('2001:db8:1::9'));
    expect(networkBucket('2001:db8:2::1')).not.toBe(networkBucket('2001:db8:1::1'));
  });

  it('is none for an IPv4 address, however it is written, and for what is no address', () => {
    for (const text of ['192.0.2.7', '::ffff:192.0.2.7', '::ffff:c000:207', 'unknown'])
      expect(networkBucket(text)).toBeUndefined();
  });
});

describe('the address of a client', () => {
  function askFrom(trustProxy: readonly string[], forwarded: string | undefined): Promise<string> {
    const app = express();
    app.set('trust proxy', createAddressList(trustProxy));
    app.get('/', (req, res) => void res.send(clientAddress(req)));
    const request = supertest(app).get('/');
    if (forwarded !== undefined) request.set('X-Forwarded-For', forwarded);
    return request.then(({ text }) => text);
  }

  it('is the peer’s, whatever the client claims, where no proxy is trusted', async () => {
    expect(await askFrom([], undefined)).toBe('127.0.0.1');
    expect(await askFrom([], '203.0.113.9')).toBe('127.0.0.1');
  });

  it('is what the trusted proxy saw, and not what the client told the proxy', async () => {
    const proxies = ['127.0.0.1', '10.0.0.0/8'];
    expect(await askFrom(proxies, '203.0.113.9')).toBe('203.0.113.9');
    expect(await askFrom(proxies, '198.51.100.1, 203.0.113.9')).toBe('203.0.113.9');
    expect(await askFrom(proxies, '198.51.100.1, 203.0.113.9, 10.1.2.3')).toBe('203.0.113.9');
    expect(await askFrom(proxies, '::ffff:203.0.113.9')).toBe('203.0.113.9');
  });

  it('is told from the next client’s where the proxy writes the port behind it', async () => {
    const proxies = ['127.0.0.1', '10.0.0.0/8'];
    expect(await askFrom(proxies, '203.0.113.9:5678')).toBe('203.0.113.9');
    expect(await askFrom(proxies, '[2001:db8::9]:5678')).toBe('2001:db8::9');
    expect(await askFrom(proxies, '198.51.100.1:80, 203.0.113.9:5678')).toBe('203.0.113.9');
    // The proxy in the middle is known by its address, whatever its port.
    expect(await askFrom(proxies, '203.0.113.9:5678, 10.1.2.3:4321')).toBe('203.0.113.9');
    expect(await askFrom(proxies, '203.0.113.9:5678, [::ffff:10.1.2.3]:4321')).toBe('203.0.113.9');
  });

  it('is not what anybody says who is no trusted proxy, with a port or without', async () => {
    for (const claim of ['203.0.113.9:5678', '[2001:db8::9]:5678', '10.1.2.3:80, 127.0.0.1:80'])
      expect(await askFrom(['10.0.0.0/8'], claim)).toBe('127.0.0.1');
  });

  it('is the peer’s where a careless proxy passed on what is none', async () => {
    for (const claim of ['<script>', '203.0.113.9:99999', 'unknown', '999.1.1.1', "' or 1=1 --", '1'])
      expect(await askFrom(['127.0.0.1'], claim)).toBe('127.0.0.1');
  });
});
