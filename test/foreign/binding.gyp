{
  'targets': [
    {
      'target_name': 'foreign',
      'sources': ['foreign.cc'],
      'include_dirs': [
        '<!(node -p "require(\'node-api-headers\').include_dir")',
        '<!(node -p "require(\'node-addon-api\').include_dir")',
      ],
      'defines': ['NAPI_VERSION=9', 'NODE_ADDON_API_CPP_EXCEPTIONS_ALL'],
      'cflags_cc': ['-std=c++17', '-fexceptions', '-O2'],
    },
  ],
}
