import { expect, it } from 'vitest'
import { pauseMs } from '../../src/domain/pause.ts'

it.each([
  [0, 0],
  [1, 250],
  [2, 500],
  [4, 2000],
  [5, 3000],
  [5000, 3000],
])('after %i failures in a row a pause of 250 to 3,000 ms takes %i ms', (failures, ms) => {
  expect(pauseMs(failures, 250, 3000)).toBe(ms)
})
