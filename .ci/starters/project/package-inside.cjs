// A configuration for webpack and Rspack: the package becomes a part of the bundle. By default Nest leaves all packages out.
module.exports = (options) => ({
  ...options,
  externals: options.externals.map((external) => (asked, callback) => {
    if (asked.request?.startsWith('nestjs-hmetcd')) callback();
    else external(asked, callback);
  }),
});
