// Proof of who we are in AWS, for others: a signed request that they may make in our name, and that only tells them our
// name (protocol-facts 4, external_account).

#include <boost/json.hpp>

#include "kit/base/text.hpp"
#include "source/s3/credential_sources.hpp"
#include "source/s3/sigv4.hpp"

namespace ferry::s3 {

std::string signed_caller_identity(const Credentials& credentials, const std::string& region,
                                   const std::string& audience, Clock* clock) {
  const auto host = "sts." + region + ".amazonaws.com";
  const std::string target = "/?Action=GetCallerIdentity&Version=2011-06-15";
  net::Headers headers;
  headers.add("x-goog-cloud-target-resource", audience);
  net::RequestHead head{"POST", target, std::move(headers)};
  Signer signer{"sts"};
  signer.sign(&head, host, credentials, region, std::chrono::floor<std::chrono::seconds>(clock->wall()), kEmptyPayload);
  boost::json::array list;
  list.push_back(boost::json::object{{"key", "host"}, {"value", host}});
  for (const auto& [name, value] : head.headers) {
    list.push_back(boost::json::object{{"key", to_lower(name)}, {"value", value}});
  }
  const boost::json::object request{
      {"url", "https://" + host + target.substr(1)}, {"method", "POST"}, {"headers", std::move(list)}};
  return percent_encode(boost::json::serialize(request));
}

}  // namespace ferry::s3
