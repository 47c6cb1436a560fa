import express from 'express';

/** The least that listens. */
express().listen(Number(process.env['PORT']), '127.0.0.1');
