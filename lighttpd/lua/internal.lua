-- magnet.attract-raw-url-to of the internal tier's listener: names the tier, nothing else.
package.path, package.cpath = os.getenv("BRICKGATE_LIGHTTPD_DIR") .. "/lua/?.lua", ""
return require("gate").judge(lighty, "internal")
