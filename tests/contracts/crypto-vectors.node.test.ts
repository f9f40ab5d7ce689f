import { runCurveVectors } from './crypto-vectors.ts';

runCurveVectors('Node');
