# node-gyp reads this file of Node's own headers, and downloads them where there are none. An addon of Node-API needs nothing
# of it but the names of the configurations.
{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': {'Debug': {}, 'Release': {}},
  },
}
