/** Names of containers: Docker's rule, and made-up ones. Pure. */
import { invalidParameter } from '../errors.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw invalidParameter(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

const ADJECTIVES = (
  'able agile airy amber ample apt ardent bold brave bright brisk calm candid careful cheery clear clever cosy crisp ' +
  'curious daring deft eager earnest easy exact fair famous fine firm fluent fond frank free fresh gentle glad golden ' +
  'good grand happy hardy honest humble jolly keen kind lively loyal lucid lucky mellow merry mild modest neat nimble ' +
  'noble patient placid plucky polite prompt proud quick quiet ready serene sharp silent sincere snug solid spry steady ' +
  'sunny swift tidy trusty upbeat valiant vivid warm wise witty zesty'
).split(' ');
/** Surnames of people whose work networks stand on. */
const SURNAMES = (
  'abramson baran bartik berners boggs borg bose bush cailliau cerf chappe clark codd corbato crocker davies deering ' +
  'diffie dijkstra elion engelbart erdos erlang estrin faraday feinler floyd hamilton hamming hellman hertz hopper ' +
  'huffman jacobson kahn kapany karels kernighan kirstein kleinrock lamarr lamport licklider liskov lovelace marconi ' +
  'maxwell merkle metcalfe mills mockapetris morse nagle nyquist perlman popov postel pouzin reed rekhter ritchie ' +
  'roberts sammet shannon shockley spence sutherland taylor tesla thompson tomlinson turing vixie wilkes wing zimmermann'
).split(' ');

/** `random` gives numbers from 0 up to 1. After a few collisions a digit is added. */
export function makeName(taken: (name: string) => boolean, random: () => number): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? '';
  for (let attempt = 0; ; attempt++) {
    const name = `${pick(ADJECTIVES)}_${pick(SURNAMES)}${attempt < 6 ? '' : Math.floor(random() * 10 ** (attempt - 5))}`;
    if (!taken(name)) return name;
  }
}
