/* A Vulkan driver that wraps another one ($GPU_CODE_DRIVER), to ask its compiler without having its hardware. See gpu_code.ts.
   - Compute pipelines are made with their statistics captured (VK_KHR_pipeline_executable_properties), which are appended to the file
     $GPU_CODE_OUT, a line "name<tab>value" each.
   - What is recorded, submitted or waited for does nothing: Dawn records commands as soon as it has a device, which Mesa's null devices
     cannot do. */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan_core.h>

#define STATISTICS VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME

typedef PFN_vkVoidFunction (*Lookup)(void *, const char *);

static Lookup of_instance, of_physical_device, of_device;
static VkResult (*negotiate)(uint32_t *);
static PFN_vkCreateDevice create_device;
static PFN_vkCreateComputePipelines create_pipelines;
static PFN_vkGetPipelineExecutablePropertiesKHR get_executables;
static PFN_vkGetPipelineExecutableStatisticsKHR get_statistics;

static void load(void) {
  if (of_instance) return;
  void *library = dlopen(getenv("GPU_CODE_DRIVER"), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    abort();
  }
  of_instance = (Lookup)dlsym(library, "vk_icdGetInstanceProcAddr");
  of_physical_device = (Lookup)dlsym(library, "vk_icdGetPhysicalDeviceProcAddr");
  negotiate = (VkResult(*)(uint32_t *))dlsym(library, "vk_icdNegotiateLoaderICDInterfaceVersion");
}

static VkResult nothing(void) { return VK_SUCCESS; }

static int does_nothing(const char *name) {
  return !strncmp(name, "vkCmd", 5) || !strncmp(name, "vkQueueSubmit", 13) || !strcmp(name, "vkBeginCommandBuffer") ||
         !strcmp(name, "vkEndCommandBuffer") || !strcmp(name, "vkQueueWaitIdle") || !strcmp(name, "vkDeviceWaitIdle");
}

static void write_statistics(VkDevice device, VkPipeline pipeline) {
  FILE *out = fopen(getenv("GPU_CODE_OUT"), "a");
  VkPipelineInfoKHR info = {VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, NULL, pipeline};
  /* A compute pipeline has one executable, or one for each width of subgroups that is kept. */
  VkPipelineExecutablePropertiesKHR executables[4];
  uint32_t executable_count = 4;
  for (int i = 0; i < 4; i++)
    executables[i] = (VkPipelineExecutablePropertiesKHR){VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
  get_executables(device, &info, &executable_count, executables);
  for (uint32_t e = 0; e < executable_count; e++) {
    fprintf(out, "Subgroup size\t%u\n", executables[e].subgroupSize);
    VkPipelineExecutableInfoKHR which = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, NULL, pipeline, e};
    VkPipelineExecutableStatisticKHR statistics[64];
    uint32_t count = 64;
    for (int i = 0; i < 64; i++)
      statistics[i] = (VkPipelineExecutableStatisticKHR){VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR};
    get_statistics(device, &which, &count, statistics);
    for (uint32_t i = 0; i < count; i++) {
      if (statistics[i].format == VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_FLOAT64_KHR)
        fprintf(out, "%s\t%g\n", statistics[i].name, statistics[i].value.f64);
      else
        fprintf(out, "%s\t%" PRIu64 "\n", statistics[i].name, statistics[i].value.u64);
    }
  }
  fclose(out);
}

static VkResult create_pipelines_with_statistics(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                 const VkComputePipelineCreateInfo *infos,
                                                 const VkAllocationCallbacks *allocator, VkPipeline *pipelines) {
  for (uint32_t i = 0; i < count; i++) {
    VkComputePipelineCreateInfo info = infos[i];
    info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR;
    VkResult result = create_pipelines(device, cache, 1, &info, allocator, &pipelines[i]);
    if (result != VK_SUCCESS) return result;
    write_statistics(device, pipelines[i]);
  }
  return VK_SUCCESS;
}

static PFN_vkVoidFunction device_function(VkDevice device, const char *name) {
  PFN_vkVoidFunction real = of_device(device, name);
  if (!real) return NULL;
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)device_function;
  if (!strcmp(name, "vkCreateComputePipelines")) {
    create_pipelines = (PFN_vkCreateComputePipelines)real;
    return (PFN_vkVoidFunction)create_pipelines_with_statistics;
  }
  return does_nothing(name) ? (PFN_vkVoidFunction)nothing : real;
}

static VkResult create_device_with_statistics(VkPhysicalDevice physical, const VkDeviceCreateInfo *asked,
                                              const VkAllocationCallbacks *allocator, VkDevice *device) {
  VkDeviceCreateInfo info = *asked;
  const char *extensions[256] = {STATISTICS};
  uint32_t count = 1;
  for (uint32_t i = 0; i < asked->enabledExtensionCount && count < 256; i++)
    if (strcmp(asked->ppEnabledExtensionNames[i], STATISTICS)) extensions[count++] = asked->ppEnabledExtensionNames[i];
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, (void *)asked->pNext, VK_TRUE};
  info.ppEnabledExtensionNames = extensions;
  info.enabledExtensionCount = count;
  info.pNext = &feature;
  VkResult result = create_device(physical, &info, allocator, device);
  if (result != VK_SUCCESS) return result;
  get_executables = (PFN_vkGetPipelineExecutablePropertiesKHR)of_device(*device, "vkGetPipelineExecutablePropertiesKHR");
  get_statistics = (PFN_vkGetPipelineExecutableStatisticsKHR)of_device(*device, "vkGetPipelineExecutableStatisticsKHR");
  return VK_SUCCESS;
}

PFN_vkVoidFunction vk_icdGetInstanceProcAddr(VkInstance instance, const char *name) {
  load();
  PFN_vkVoidFunction real = of_instance(instance, name);
  if (!real) return NULL;
  if (!strcmp(name, "vkGetDeviceProcAddr")) {
    of_device = (Lookup)real;
    return (PFN_vkVoidFunction)device_function;
  }
  if (!strcmp(name, "vkCreateDevice")) {
    create_device = (PFN_vkCreateDevice)real;
    of_device = (Lookup)of_instance(instance, "vkGetDeviceProcAddr");
    return (PFN_vkVoidFunction)create_device_with_statistics;
  }
  return does_nothing(name) ? (PFN_vkVoidFunction)nothing : real;
}

PFN_vkVoidFunction vk_icdGetPhysicalDeviceProcAddr(VkInstance instance, const char *name) {
  load();
  return of_physical_device ? of_physical_device(instance, name) : NULL;
}

VkResult vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  load();
  return negotiate(version);
}
