-- magnet.attract-raw-url-to of the internal tier's listener: which tier it is, nothing else.
package.path, package.cpath = os.getenv("BRICKGATE_LIGHTTPD_DIR") .. "/lua/?.lua", ""
return require("gate").judge(lighty, "internal")
