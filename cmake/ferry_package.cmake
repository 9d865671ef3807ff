# What `make package` packs: a .deb per program and one tarball. scripts/package makes the pages first, from the program's
# own --help; dpkg-shlibdeps finds out which libraries the packages depend on.
include(GNUInstallDirs)
set(pages ${CMAKE_BINARY_DIR}/pages)
install(TARGETS bucketferry RUNTIME COMPONENT bucketferry)
install(TARGETS bucketferry-sandbox RUNTIME COMPONENT sandbox)
install(DIRECTORY ${pages}/man1/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT bucketferry OPTIONAL)
install(DIRECTORY ${pages}/completions/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
  COMPONENT bucketferry OPTIONAL)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/bucketferry RENAME copyright COMPONENT bucketferry)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/bucketferry-sandbox RENAME copyright COMPONENT sandbox)
install(FILES CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/bucketferry COMPONENT bucketferry)

set(CPACK_PACKAGE_NAME bucketferry)
set(CPACK_PACKAGE_VERSION ${FERRY_VERSION})
set(CPACK_PACKAGE_VENDOR Bucketferry)
set(CPACK_PACKAGE_CONTACT "Bucketferry <team@bucketferry.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "moves Amazon S3 buckets to Google Cloud Storage")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_SYSTEM_NAME linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_COMPONENTS_ALL bucketferry sandbox)
set(CPACK_ARCHIVE_THREADS 0)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_BUCKETFERRY_PACKAGE_NAME bucketferry)
set(CPACK_DEBIAN_BUCKETFERRY_PACKAGE_DEPENDS ca-certificates)
set(CPACK_DEBIAN_BUCKETFERRY_PACKAGE_SUGGESTS bash-completion)
set(CPACK_DEBIAN_BUCKETFERRY_DESCRIPTION
  "moves Amazon S3 buckets to Google Cloud Storage
 Complete, verifiable and repeatable: as one command on one machine, or as a service of many workers over Pub/Sub and
 Redis.")
set(CPACK_DEBIAN_SANDBOX_PACKAGE_NAME bucketferry-sandbox)
set(CPACK_DEBIAN_SANDBOX_DESCRIPTION
  "strict S3, Google Cloud Storage and Pub/Sub servers to try Bucketferry with
 Everything on one machine, without an account. Not for the open network.")
include(CPack)
