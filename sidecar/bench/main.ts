import { benchFastCgi } from './fastcgi.ts'

await benchFastCgi()
