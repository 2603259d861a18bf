# The modules by layer (docs/architecture.md); a line each. A folder declares its own library, its
# tests lie under tests/unit/<module>, its fuzz targets under fuzz/.
add_subdirectory(src/base)
add_subdirectory(src/crypto)
add_subdirectory(src/cbor)
add_subdirectory(src/cli)
add_subdirectory(src/conf)
add_subdirectory(src/obs)
add_subdirectory(src/http)
add_subdirectory(src/contract)
add_subdirectory(src/ledger)
add_subdirectory(apps)
add_subdirectory(tests/unit)
add_subdirectory(fuzz)
