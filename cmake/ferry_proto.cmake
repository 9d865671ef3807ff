# The generated code of proto/pubsub.proto, once for the queue's room and the sandbox's broker. It is not ours to lint, and
# its headers cost seconds: only those two rooms include them, as "pubsub.grpc.pb.h".
set(_out ${CMAKE_BINARY_DIR}/proto)
file(MAKE_DIRECTORY ${_out})
set(_generated ${_out}/pubsub.pb.cc ${_out}/pubsub.grpc.pb.cc)
add_custom_command(
  OUTPUT ${_generated} ${_out}/pubsub.pb.h ${_out}/pubsub.grpc.pb.h
  COMMAND protobuf::protoc --proto_path=${CMAKE_SOURCE_DIR}/proto --cpp_out=${_out} --grpc_out=${_out}
          --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin> pubsub.proto
  DEPENDS ${CMAKE_SOURCE_DIR}/proto/pubsub.proto
  VERBATIM)
add_library(ferry_pubsub_proto STATIC ${_generated})
target_include_directories(ferry_pubsub_proto SYSTEM PUBLIC ${_out})
target_link_libraries(ferry_pubsub_proto PUBLIC gRPC::grpc++ protobuf::libprotobuf PRIVATE ferry_flags)
target_compile_options(ferry_pubsub_proto PRIVATE -w)
